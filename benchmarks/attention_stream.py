"""From FASTA to bigWig: bases a second, how time grows, and whether memory does.

    python -m benchmarks.attention_stream chr20.fa.gz
    python -m benchmarks.attention_stream chr20.fa.gz --sizes 0.1 0.3 1 3 10 --threads 2
    python -m benchmarks.attention_stream chr20.fa.gz --flat        # the two trials of memory

Each row is `nucel-interp discriminator INPUT -o OUT` in a process of its own, both strands,
start-up included; `attention` does the same work with the model and writes, up to 1 Mb, every
head's track besides. Sizes: one record of real sequence to bigWig, read by `nucel-mini`. The trials
of memory take a random model of two layers of 16, so that it is not the model they wait for: a
record of 5 Mb to bigWig, 1,000,000 records of 50 bp to bedGraph, and a tenth of each. Memory is the
process's own peak (VmHWM), and what that is over its peak with 1 kb; seconds of processor are all
threads'. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from nucel_genome import Genome
from nucel_model import (
    Nucel,
    NucelConfig,
    NucelEncoder,
    every_third_global,
    save_pretrained,
    tokenizer,
)
from nucel_model.heads import ReplacedTokenHead

SIZES = (0.1, 0.3, 1.0)
LONG_MB = 5.0
SHORT_RECORDS = 1_000_000
SHORT_BP = 50
LINE = 60

# getrusage would count what the process that started this one had used
CHILD = """
import json, sys, time
from pathlib import Path
from nucel_interp.cli import app
started, code = time.perf_counter(), 0
try:
    app()
except SystemExit as end:
    code = end.code or 0
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1e3
found = {"wall": time.perf_counter() - started, "cpu": time.process_time(), "peak": peak}
Path(sys.argv[-1] + ".json").write_text(json.dumps(found))
sys.exit(code)
"""


@dataclass(frozen=True)
class Run:
    """Seconds, and peak memory in MB, of one command."""

    wall: float
    cpu: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--place", default="chr20:41,000,000", help="where real sequence begins")
    parser.add_argument("--sizes", type=float, nargs="+", default=list(SIZES), metavar="MB")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--flat", action="store_true", help="the two trials of memory alone")
    parser.add_argument("--long", type=float, default=LONG_MB, metavar="MB")
    parser.add_argument("--records", type=int, default=SHORT_RECORDS)
    given = parser.parse_args()
    chromosome, _, start = given.place.partition(":")
    genome, at = Genome.open([given.fasta]), int(start.replace(",", ""))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(genome, chromosome, at, given.threads, Path(folder))
        lines = (
            trial.flat_rows(given.long, given.records)
            if given.flat
            else trial.size_rows(given.sizes)
        )
        for line in lines:
            print(line, flush=True)
    print(
        f"\n{given.threads} threads; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    )


class Trial:
    """Runs the command on inputs made for it."""

    def __init__(
        self, genome: Genome, chromosome: str, at: int, threads: int, folder: Path
    ) -> None:
        self._genome, self._chromosome, self._at = genome, chromosome, at
        self._threads, self._folder = threads, folder

    def size_rows(self, sizes: list[float]) -> Iterator[str]:
        """Bases a second by size, and the exponent of growth."""
        least = self._run(self._real(1000), "nucel-mini").peak
        yield (
            "| Mb | seconds | bases/s | seconds of processor | bases per second of processor "
            "| peak memory, MB | over 1 kb's |"
        )
        yield "|---" * 7 + "|"
        runs = []
        for size in sizes:
            run = self._run(self._real(round(size * 1e6)), "nucel-mini")
            runs.append(run)
            yield (
                f"| {size:g} | {run.wall:.1f} | {size * 1e6 / run.wall:,.0f} | {run.cpu:.1f} "
                f"| {size * 1e6 / run.cpu:,.0f} | {run.peak:.0f} | {run.peak - least:.0f} |"
            )
        if len(sizes) > 1:
            slope = np.polyfit(np.log(sizes), np.log([run.cpu for run in runs]), 1)[0]
            yield f"\nSeconds of processor grow as bases to the power {slope:.2f}."

    def flat_rows(self, long_mb: float, n_records: int) -> Iterator[str]:
        """Memory of a long record and of many short ones, beside a tenth of each."""
        model = str(save_pretrained(tiny(), self._folder / "tiny"))
        least = self._run(self._real(1000), model).peak
        yield "| input | output | seconds | of processor | peak memory, MB | over 1 kb's |"
        yield "|---" * 6 + "|"
        for part in (0.1, 1.0):
            bases, records = round(part * long_mb * 1e6), round(part * n_records)
            for name, make, suffix in (
                (f"a record of {bases:,} bp", partial(self._real, bases), ".bw"),
                (
                    f"{records:,} records of {SHORT_BP} bp",
                    partial(self._short, records),
                    ".bedGraph",
                ),
            ):
                run = self._run(make(), model, suffix)
                yield (
                    f"| {name} | {suffix[1:]} | {run.wall:.1f} | {run.cpu:.1f} | {run.peak:.0f} "
                    f"| {run.peak - least:.0f} |"
                )

    def _real(self, bases: int) -> Path:
        """One record of real sequence; where the chromosome ends, it begins again at the place."""
        path = self._folder / "input.fa"
        room = self._genome.length(self._chromosome) - self._at
        with path.open("w") as file:
            file.write(">real\n")
            for at in range(0, bases, 60 * LINE):
                n = min(60 * LINE, bases - at)
                place = self._at + at % (room // (60 * LINE) * 60 * LINE)
                text = tokenizer.decode(self._genome.fetch(self._chromosome, place, place + n))
                file.writelines(text[i : i + LINE] + "\n" for i in range(0, n, LINE))
        return path

    def _short(self, n: int) -> Path:
        """Made-up records."""
        path, rng = self._folder / "input.fa", random.Random(0)
        with path.open("w") as file:
            for i in range(n):
                file.write(f">record{i}\n{''.join(rng.choices('ACGT', k=SHORT_BP))}\n")
        return path

    def _run(self, path: Path, model: str, suffix: str = ".bw") -> Run:
        out = self._folder / f"out{suffix}"
        arguments = ["discriminator", "-m", model, "-t", str(self._threads), "--force", str(path)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(self._threads)}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *arguments, "-o", str(out)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
        return Run(**json.loads(Path(f"{out}.json").read_text()))


def tiny() -> Nucel:
    """Random weights."""
    torch.manual_seed(0)
    config = NucelConfig(
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=16,
        layer_types=every_third_global(2),
        max_position_embeddings=257,
    )
    return Nucel(NucelEncoder(config), ReplacedTokenHead(config))


if __name__ == "__main__":
    main()
