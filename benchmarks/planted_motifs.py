"""Does the motif engine find thirty planted motifs among noise, and nothing in noise alone?

    python -m benchmarks.planted_motifs                          # seeds 0 to 4, 30 and 100 % noise
    python -m benchmarks.planted_motifs --seeds 0 --noise 0.3
    python -m benchmarks.planted_motifs --seeds --pure-noise 20

Three ways from seqlets to motifs get the same 15-bp seqlets: clustering, Leiden's communities as
they are, and the greedy search of over-represented words (`motifs.kmer_motifs`).
Further rows are what a user of `find_motifs` gets for records around the same kind of seqlets, with
a track that is standard normal noise, 5 higher at the seqlet: all motifs of its two tables, and
those of the main table, found anew in either half and tested on the other. There seqlets are
called, 21 bp wide, and widened as `find_motifs` does it. Records have 20 random bases on either
side of the seqlet (55 bp, as for clustering; a null track is given, since too little of the record
is not seqlet) or 50 (115 bp, no null track): the 3-mer test counts sites anywhere in a record.
How data are drawn and what counts as recovered: `benchmarks/planted_data.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted_data import (
    FLANK,
    LONG_FLANK,
    Found,
    Planted,
    hold_against,
    planted,
    pure_noise,
)
from nucel_interp.analysis.crossfit import Candidate, crossfit
from nucel_interp.analysis.prepare import prepare
from nucel_interp.motifs.clustering import cluster_seqlets
from nucel_interp.motifs.communities import find_communities
from nucel_interp.motifs.gapped_kmers import gapped_words
from nucel_interp.motifs.kmer_motifs import kmer_motifs
from nucel_interp.motifs.neighbours import neighbour_graph
from nucel_interp.motifs.refine import MIN_SEQLETS, seed_group
from nucel_interp.motifs.seqlet_windows import Regions, SeqletWindows
from nucel_interp.progress import Stages

UNIFORM = np.full(4, 0.25)
PURE_NOISE_SEQLETS = 2700
HEADER = ["noise", "seed", "method", "clusters", "recovered", "by archetype", "impure"]
HEADER += ["noise kept", "stability", "seconds"]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    noise: float
    seed: str
    method: str
    clusters: float
    recovered: float
    by_archetype: float
    impure: float
    noise_kept: float
    stability: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(5)))
    parser.add_argument("--noise", type=float, nargs="+", default=[0.3, 1.0])
    parser.add_argument("--pure-noise", type=int, default=0, help="runs on noise alone")
    given = parser.parse_args()
    rows: list[Row] = []
    for noise in given.noise:
        for seed in given.seeds:
            for row in one_set(seed, noise):
                rows.append(row)
                print(_line(row), file=sys.stderr, flush=True)
    if rows:
        print(_table(rows))
    counts = []
    for seed in range(given.pure_noise):
        candidates = from_track(pure_noise(seed, PURE_NOISE_SEQLETS), seed)
        passed = sum(c.passes for c in candidates)
        counts.append((passed, len(candidates) - passed))
        print(f"noise alone, seed {seed}: {counts[-1]}", file=sys.stderr, flush=True)
    if counts:
        tabled, failed = np.array(counts).T
        print(
            f"\nNoise alone, {PURE_NOISE_SEQLETS:,} seqlets: main table empty in "
            f"{(tabled == 0).sum()} of {len(counts)} runs; motifs that failed the test: "
            f"{failed.mean():.1f} a run (at most {failed.max()})."
        )


def one_set(seed: int, noise: float) -> Iterator[Row]:
    """Every method on one planted set."""
    truth = planted(seed, noise)
    real, null = truth.regions(), truth.null(seed)
    started = perf_counter()
    clustering = cluster_seqlets(real, null, UNIFORM)
    seconds = perf_counter() - started
    found = hold_against(
        truth, [c.pwm for c in clustering.clusters], [c.members for c in clustering.clusters]
    )
    yield _row(noise, seed, "clustering", found, seconds, clustering.stability)
    for method, way in (("Leiden alone", by_communities), ("greedy words", by_words)):
        started = perf_counter()
        pwms, members, stability = way(truth, real, null)
        seconds = perf_counter() - started
        yield _row(noise, seed, method, hold_against(truth, pwms, members), seconds, stability)
    for flank in (FLANK, LONG_FLANK):
        truth = planted(seed, noise, flank=flank)
        started = perf_counter()
        candidates = from_track(truth, seed, with_null=flank == FLANK)
        seconds = perf_counter() - started
        for table, some in (
            ("both tables", candidates),
            ("main table", [c for c in candidates if c.passes]),
        ):
            pwms = [c.found.motif.pwm for c in some]
            found = hold_against(truth, pwms, [c.found.members.unit for c in some])
            method = f"{len(truth.records[0])} bp, {table}"
            yield _row(noise, seed, method, found, seconds, float("nan"))


def by_communities(
    truth: Planted, real: Regions, null: list[Regions]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.int64]], float]:
    """Each community of at least ten seqlets is a motif, all of them its members."""
    windows = SeqletWindows(real)
    found = find_communities(neighbour_graph(gapped_words(windows.codes)))
    pwms, members = [], []
    for label in np.flatnonzero(np.bincount(found.label) >= MIN_SEQLETS):
        rows = np.flatnonzero(found.label == label)
        group = seed_group(windows, rows, UNIFORM)
        if group is not None:
            pwms.append(group.pwm(UNIFORM))
            members.append(rows)
    return pwms, members, found.stability


def by_words(
    truth: Planted, real: Regions, null: list[Regions]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.int64]], float]:
    """The greedy search; members are the sequences whose sites built the matrix."""
    found = kmer_motifs(real, null, UNIFORM)
    length = len(truth.records[0])
    members = [(np.asarray(f.place, dtype=np.int64) + f.motif.width // 2) // length for f in found]
    return [f.motif.pwm for f in found], members, float("nan")


def from_track(truth: Planted, seed: int, *, with_null: bool = False) -> list[Candidate]:
    """The motifs of `find_motifs` for the records and their track, with the seqlets that made them.

    These are its two steps that decide which motifs there are; naming, intervals and the run on
    shuffled input come after them.
    """
    prepared = prepare(
        truth.records, "", score="attention", strands="both", seed=0,
        track=truth.track(seed), null_track=truth.null_track(seed) if with_null else None,
        stages=Stages(),
    )  # fmt: skip
    return crossfit(prepared.scored.folds).candidates


def _row(
    noise: float, seed: int, method: str, found: Found, seconds: float, stability: float
) -> Row:
    return Row(noise, str(seed), method, **asdict(found), stability=stability, seconds=seconds)


def _table(rows: list[Row]) -> str:
    """Every set, and below them the mean of each method at each amount of noise."""
    means = []
    for noise, method in dict.fromkeys((r.noise, r.method) for r in rows):
        of = [r for r in rows if (r.noise, r.method) == (noise, method)]
        numbers = np.array([list(asdict(r).values())[3:] for r in of], dtype=float).mean(axis=0)
        means.append(Row(noise, "mean", method, *numbers.tolist()))
    head = [f"| {' | '.join(HEADER)} |", "|---" * len(HEADER) + "|"]
    return "\n".join([*head, *map(_line, rows), *map(_line, means)])


def _line(row: Row) -> str:
    digits = 1 if row.seed == "mean" else 0
    counts = (row.clusters, row.recovered, row.by_archetype, row.impure)
    cells = [f"{row.noise:.0%}", row.seed, row.method]
    cells += [f"{count:.{digits}f}" for count in counts]
    cells += [f"{row.noise_kept:.1%}"]
    cells += ["" if np.isnan(row.stability) else f"{row.stability:.2f}", f"{row.seconds:.1f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
