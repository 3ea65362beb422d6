"""How long a genome takes to start on, the first time and later, and how much memory.

    python -m benchmarks.genome_start                     # 3 Gb, needs 6.1 GB of disk
    python -m benchmarks.genome_start --bases 3e8 --format 2bit

The genome is made up: chromosomes of at most 250 Mb, soft-masked stretches and runs of N. Each
start is a process of its own that opens the genome and draws 1,000 windows of 256 bases. The files
have just been written, so they are read from the system's cache and not from the disk. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LINE = 60
LONGEST = 250_000_000
BLOCK = 12_000_000
"""Bases made at a time; whole lines and whole bytes of 2bit."""

START = """
import sys, time
from pathlib import Path

import numpy as np

from nucel_model import tokenizer
from nucel_pretrain.data import DataConfig, Windows
from nucel_genome import Genome

def peak():  # getrusage would count what the process that started this one had used
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e6

before, started = peak(), time.perf_counter()
genome = Genome.open([sys.argv[1]], cache=Path(sys.argv[2]))
opened = time.perf_counter()
windows = Windows(genome, DataConfig(repeat_weight=0.1))
ready = time.perf_counter()
for index in range(0, 1000, 20):
    windows.batch(0, range(index, index + 20))
drawn = time.perf_counter()
print(f"opened in {opened - started:.2f} s, windows ready in {ready - opened:.2f} s, "
      f"1,000 drawn in {drawn - ready:.2f} s, peak memory {peak():.2f} GB, of which "
      f"{before:.2f} GB are imports ({windows.usable_bases:,} usable bases)")
"""


def letters(rng: np.random.Generator, n: int) -> np.ndarray:
    """ASCII of ``n`` made-up bases: half in lower-case stretches of 300, 1 % N in one run."""
    out = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(4, size=n, dtype=np.uint8)]
    stretches = out[: n // 600 * 600].reshape(-1, 2, 300)
    stretches[:, 1] |= 32
    out[n // 2 : n // 2 + n // 100] = ord("N")
    return out


def write_fasta(path: Path, lengths: list[int]) -> None:
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for number, length in enumerate(lengths, start=1):
            file.write(f">chr{number}\n".encode())
            for start in range(0, length, BLOCK):
                bases = letters(rng, min(BLOCK, length - start))
                lines = np.full((len(bases) // LINE, LINE + 1), ord("\n"), dtype=np.uint8)
                lines[:, :LINE] = bases.reshape(-1, LINE)
                file.write(lines.data)


def write_twobit(path: Path, lengths: list[int]) -> None:
    """See genome.ucsc.edu/FAQ/FAQformat.html#format7."""
    rng = np.random.default_rng(0)
    code = np.zeros(256, dtype=np.uint8)
    code[list(b"TCAGtcag")] = [0, 1, 2, 3] * 2
    names = [f"chr{number}".encode() for number in range(1, len(lengths) + 1)]
    with path.open("wb") as file:
        file.write(struct.pack("<4I", 0x1A412743, 0, len(names), 0))
        index_at = file.tell()
        file.write(bytes(sum(len(name) + 5 for name in names)))
        places = []
        for length in lengths:
            packed, unknown, masked = [], [], []
            for start in range(0, length, BLOCK):
                bases = letters(rng, min(BLOCK, length - start))
                four = code[bases].reshape(-1, 4)
                packed.append(four[:, 0] << 6 | four[:, 1] << 4 | four[:, 2] << 2 | four[:, 3])
                for found, inside in ((unknown, bases == ord("N")), (masked, bases >= ord("a"))):
                    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
                    found.append(edges.reshape(-1, 2) + start)
            places.append(file.tell())
            file.write(struct.pack("<I", length))
            for found in (unknown, masked):
                starts, ends = np.concatenate(found).T
                file.write(struct.pack("<I", len(starts)))
                file.write(starts.astype("<u4").tobytes() + (ends - starts).astype("<u4").tobytes())
            file.write(struct.pack("<I", 0) + np.concatenate(packed).tobytes())
        file.seek(index_at)
        for name, place in zip(names, places, strict=True):
            file.write(bytes([len(name)]) + name + struct.pack("<I", place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bases", type=float, default=3e9)
    parser.add_argument("--format", choices=["fasta", "2bit"], default="fasta")
    parser.add_argument("--folder", type=Path, help="where the genome and its copy go for a while")
    args = parser.parse_args()
    n = max(1, round(args.bases / LINE)) * LINE
    lengths = [LONGEST // LINE * LINE] * (n // (LONGEST // LINE * LINE))
    lengths += [rest] if (rest := n - sum(lengths)) else []
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        needed, free = 2.1 * n, shutil.disk_usage(folder).free
        if free < needed:
            sys.exit(f"error: {folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} are needed")
        path = folder / ("genome.2bit" if args.format == "2bit" else "genome.fa")
        (write_twobit if args.format == "2bit" else write_fasta)(path, lengths)
        print(
            f"{n:,} bases in {len(lengths)} sequences, {path.stat().st_size:,} bytes as {path.name}"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        for which in ("first start", "second start"):
            command = [sys.executable, "-c", START, str(path), str(folder / "cache")]
            done = subprocess.run(
                command, env=environment, check=True, text=True, capture_output=True
            )
            print(f"{which}: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
