"""Where the time of `nucel-interp motifs` goes, stage by stage.

    python -m benchmarks.attention_stages peaks.fa --number 500
    python -m benchmarks.attention_stages peaks.fa more.fa --number 5000 --threads 2

Records are cut to 200 bp around their middle. Seconds are the processor's, so that a busy machine
does not count; with two threads on a quiet one a stage that uses both takes half of them. A stage
is what `motifs` says it is doing. Start-up is timed
on the clock, in a process of its own: from its beginning to the first window read, with warm disk
caches, after a first run that is thrown away.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

from nucel_interp.cli import app
from nucel_interp.io.fasta import read_records

BP = 200
START = """
import time; began = time.perf_counter()
import torch; torch.set_num_threads({threads})
after_torch = time.perf_counter()
from nucel_interp.cli import app
from nucel_interp.io.fasta import read_records
from nucel_interp.scoring import score_sequences
from nucel_interp.api.find_motifs import find_motifs
records = read_records({path!r})[:1]
after_imports = time.perf_counter()
from nucel_model import from_pretrained
model = from_pretrained("nucel-mini")
after_model = time.perf_counter()
score_sequences(model, [records[0].sequence[:200]])
done = time.perf_counter()
print(after_torch - began, after_imports - after_torch, after_model - after_imports,
      done - after_model)
"""


class Stages:
    """Processor seconds between one word of progress and the next, by the stage named first."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._now, self._since = "start-up and reading the file", time.process_time()

    def __call__(self, done: int, total: int, stage: str) -> None:
        """``on_progress`` of `find_motifs`."""
        clock = time.process_time()
        self.seconds[self._now] = self.seconds.get(self._now, 0.0) + clock - self._since
        self._now, self._since = stage, clock


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fasta", type=Path, nargs="+")
    parser.add_argument("--number", type=int, default=500)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    print(f"load average at the start {os.getloadavg()[0]:.1f}, {given.threads} threads\n")
    start_up(given.fasta[0], given.threads)

    stages, began = Stages(), time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        cut = Path(name) / "cut.fa"
        n = write_middles(given.fasta, cut, given.number)
        if n < given.number:
            parser.error(f"there are only {n:,} records of {BP} bp in these files")
        # the command itself, told of its progress as a terminal would be
        with patch("nucel_interp.cli.motifs.reporter", lambda: nullcontext(stages)):
            app(
                ["motifs", str(cut), "-o", f"{name}/out", "-t", str(given.threads)],
                standalone_mode=False,
            )
        seqlets = len((Path(name) / "out" / "seqlets.bed").read_text().splitlines())
    stages(0, 0, "end")
    total = sum(stages.seconds.values())
    print(f"\n{n:,} records of {BP} bp; {seqlets:,} seqlets\n")
    print("| stage | CPU s | share |\n|---|---|---|")
    for stage, seconds in stages.seconds.items():
        print(f"| {stage} | {seconds:.1f} | {seconds / total:.1%} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    clock = time.perf_counter() - began
    print(f"\n{total:.0f} CPU s in {clock:.0f} s, at most {peak:.2f} GB")


def write_middles(paths: list[Path], out: Path, number: int) -> int:
    """The middle 200 bp of the first records that have them, as FASTA; how many there are."""
    found = [r.sequence for path in paths for r in read_records(path) if len(r) >= BP][:number]
    with out.open("w") as file:
        for i, sequence in enumerate(found):
            at = (len(sequence) - BP) // 2
            file.write(f">{i}\n{sequence[at : at + BP]}\n")
    return len(found)


def start_up(path: Path, threads: int) -> None:
    """Print the seconds to the first window and where they go."""
    code = START.format(threads=threads, path=str(path))
    found = []
    for _ in range(2):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        found = [*map(float, done.stdout.split()), time.perf_counter() - began]
    print(
        f"start-up to the first window {sum(found[:4]):.2f} s: torch {found[0]:.2f}, the package "
        f"and the file {found[1]:.2f}, the model {found[2]:.2f}, the first window {found[3]:.2f}; "
        f"Python itself and its end {found[4] - sum(found[:4]):.2f}\n"
    )


if __name__ == "__main__":
    main()
