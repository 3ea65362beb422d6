"""Matching and scanning at JASPAR's scale: are they what a motifs run waits for?

    python -m benchmarks.attention_matching peaks.fa --threads 2

Tomtom (memelite) of 5, 50 and 200 motifs against all of JASPAR's vertebrates, and FIMO
(pymemesuite, or memelite where it is missing) of 10, 100 and all its matrices on 1 Mb of the file's
sequence. Queries are column-shuffled JASPAR matrices, so that none is found at once. After a first
call that compiles and is thrown away; seconds of the clock.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from nucel_interp.io.fasta import read_records
from nucel_interp.match import load_jaspar, match_table
from nucel_interp.motifs.scan import Scanner
from nucel_interp.types import Motif

QUERIES = (5, 50, 200)
SCANNED = (10, 100, None)
SCANNED_BP = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    import numba

    numba.set_num_threads(min(given.threads, numba.get_num_threads()))
    database = load_jaspar("vertebrates")
    print(f"load average at the start {os.getloadavg()[0]:.1f}, {given.threads} threads\n")
    print("| work | size | s |\n|---|---|---|")
    queries = shuffled(list(database.motifs))
    match_table(queries[:2], database)
    for n in QUERIES:
        seconds = clock(partial(match_table, queries[:n], database))
        print(f"| Tomtom | {n} against {len(database.motifs):,} | {seconds:.2f} |", flush=True)
    sequences = up_to(SCANNED_BP, [r.sequence for r in read_records(given.fasta)])
    scanner = Scanner(sequences)
    scanner.scan(database.motifs[0])
    for some in SCANNED:
        motifs = database.motifs[:some]
        seconds = clock(partial(scan_all, scanner, motifs))
        bases = sum(map(len, sequences))
        print(f"| FIMO | {len(motifs):,} on {bases:,} bases | {seconds:.2f} |", flush=True)


def scan_all(scanner: Scanner, motifs: Sequence[Motif]) -> None:
    """Scan with one after the other."""
    for motif in motifs:
        scanner.scan(motif)


def shuffled(motifs: list[Motif]) -> list[Motif]:
    """The same columns in other orders."""
    rng = np.random.default_rng(0)
    return [
        Motif(f"query_{i}", m.pwm[:, rng.permutation(m.width)], n_sites=m.n_sites)
        for i, m in enumerate(motifs)
    ]


def up_to(bases: int, sequences: list[str]) -> list[str]:
    """The first sequences, repeated from the start if there are too few, of so many bases."""
    found: list[str] = []
    total = 0
    while total < bases:
        found.append(sequences[len(found) % len(sequences)])
        total += len(found[-1])
    return found


def clock(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
