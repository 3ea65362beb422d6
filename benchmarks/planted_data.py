"""Seqlets with known motifs in them, and how an output is held against what was planted.

Thirty vertebrate JASPAR motifs of width 7 to 13 and over 8 bits, one per archetype, no two with a
Tomtom p of 0.01 or less either way. Each gives 20 to 119 sites drawn from its matrix, on either
strand, up to 2 bp off the middle of a 15-bp seqlet; bases around are uniform. Random seqlets come
on top. Motifs, sites and noise are drawn by numpy generators keyed ``[2026, seed, ...]``; what the
engine's constants were chosen on came from generators keyed otherwise (``[100, ...]`` to ``[104,
...]``), so none of these sets was ever looked at before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nucel_interp.match import JasparDatabase, load_jaspar
from nucel_interp.motifs.pwm import total_information
from nucel_interp.motifs.seqlet_windows import Regions
from nucel_interp.motifs.similarity import tomtom
from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.sequences import Sequences
from nucel_interp.types import BASES, Motif, Record

KEY = 2026
N_MOTIFS = 30
WIDTHS = (7, 13)
FEWEST_BITS = 8.0
DISSIMILAR_P = 0.01
SITES = (20, 120)
JITTER = 2
SEQLET = 15
FLANK = 20
LONG_FLANK = 50
"""Around seqlets of records that go through the whole of `find_motifs`."""
COPIES = 2
PEAK = 5.0
"""Mean of the made-up track at a seqlet's bases, in standard deviations of its noise elsewhere."""

FEWEST_SEQLETS = 10
PURE = 0.8
IMPURE = 0.5
TOP = 5


@dataclass(frozen=True, eq=False)
class Planted:
    """Sequences with one seqlet each, in the middle.

    Attributes:
        motifs: Motifs that were planted.
        label: (sequences,) which motif is in each; -1 for none.
        records: The sequences.
        flank: Bases on either side of each seqlet.
    """

    motifs: list[Motif]
    label: NDArray[np.int64]
    records: list[Record]
    flank: int

    def regions(self, texts: Sequence[str] | None = None) -> Regions:
        """The seqlets; with ``texts``, what these have in their places."""
        texts = [r.sequence for r in self.records] if texts is None else list(texts)
        unit = np.arange(len(texts))
        start = unit * (SEQLET + 2 * self.flank) + self.flank
        return Regions(Sequences(texts), unit, start, start + SEQLET)

    def null(self, seed: int) -> list[Regions]:
        """The same of dinucleotide-shuffled copies."""
        texts = [r.sequence for r in self.records]
        return [
            self.regions([shuffled(t, k=2, seed=seed, copy=c) for t in texts])
            for c in range(COPIES)
        ]

    def track(self, seed: int) -> list[NDArray[np.float32]]:
        """A score per base: standard normal, `PEAK` higher at the seqlet's bases."""
        rng = np.random.default_rng([KEY, seed, 3])
        values = rng.normal(size=(len(self.records), SEQLET + 2 * self.flank))
        values[:, self.flank : self.flank + SEQLET] += PEAK
        return list(values.astype(np.float32))

    def null_track(self, seed: int) -> list[NDArray[np.float32]]:
        """The same without seqlets: what the score would be on shuffled sequence."""
        rng = np.random.default_rng([KEY, seed, 4])
        return list(rng.normal(size=(len(self.records), len(self.records[0]))).astype(np.float32))


@cache
def jaspar() -> JasparDatabase:
    """The collection that motifs are drawn from and named by."""
    return load_jaspar()


def chosen_motifs(seed: int) -> list[Motif]:
    """Thirty motifs that Tomtom cannot take for each other."""
    database = jaspar()
    fit = [
        m
        for m in database.motifs
        if WIDTHS[0] <= m.width <= WIDTHS[1] and total_information(m.pwm) > FEWEST_BITS
    ]
    p = tomtom(fit, fit, null=database.motifs).p
    kept: list[int] = []
    used: set[str] = set()
    for i in np.random.default_rng([KEY, seed, 0]).permutation(len(fit)):
        others = np.array(kept, dtype=np.int64)
        archetype = database.archetypes[fit[i].id]
        if archetype in used or min(p[i, others].min(initial=1), p[others, i].min(initial=1)) <= (
            DISSIMILAR_P
        ):
            continue
        kept.append(int(i))
        used.add(archetype)
        if len(kept) == N_MOTIFS:
            break
    return [fit[i] for i in kept]


def planted(seed: int, noise: float, *, times: float = 1.0, flank: int = FLANK) -> Planted:
    """Thirty motifs' seqlets and random ones, in random order.

    Args:
        seed: Seed of the draw.
        noise: Random seqlets, as a share of those with a motif.
        times: Every motif has so many times its sites.
        flank: Random bases on either side of a seqlet.
    """
    motifs = chosen_motifs(seed)
    rng = np.random.default_rng([KEY, seed, 1])
    numbers = [round(times * int(n)) for n in rng.integers(*SITES, size=N_MOTIFS)]
    label = np.repeat(np.arange(N_MOTIFS), numbers)
    label = np.concatenate([label, np.full(round(noise * len(label)), -1)])
    codes = rng.integers(0, 4, (len(label), SEQLET + 2 * flank))
    for k, motif in enumerate(motifs):
        rows = np.flatnonzero(label == k)
        ends = np.cumsum(motif.pwm, axis=0)[None, :-1]
        sites = (rng.random((len(rows), 1, motif.width)) > ends).sum(axis=1)
        turned = rng.random(len(rows)) < 0.5
        sites[turned] = 3 - sites[turned, ::-1]
        middle = flank + (SEQLET - motif.width) // 2
        first = middle + rng.integers(-JITTER, JITTER + 1, len(rows))
        codes[rows[:, None], first[:, None] + np.arange(motif.width)] = sites
    order = rng.permutation(len(label))
    return Planted(motifs, label[order], _records(codes[order]), flank)


def pure_noise(seed: int, n: int, flank: int = LONG_FLANK) -> Planted:
    """Random sequences with nothing planted."""
    codes = np.random.default_rng([KEY, seed, 2]).integers(0, 4, (n, SEQLET + 2 * flank))
    return Planted([], np.full(n, -1), _records(codes), flank)


@dataclass(frozen=True)
class Found:
    """What an output shows of what was planted.

    Attributes:
        clusters: Output motifs.
        recovered: Planted motifs that have a cluster of at least ten seqlets, over 80 % of them
            its own, with that very matrix among its five best Tomtom matches.
        by_archetype: Planted motifs recovered if any matrix of their archetype may be among the
            five.
        impure: Clusters of which no motif has over half.
        noise_kept: Share of the random seqlets that are in any cluster.
    """

    clusters: int
    recovered: int
    by_archetype: int
    impure: int
    noise_kept: float


def hold_against(
    truth: Planted, pwms: Sequence[NDArray[np.float64]], members: Sequence[NDArray[np.int64]]
) -> Found:
    """Compare output motifs and the numbers of their sequences with what was planted."""
    database = jaspar()
    p = tomtom([Motif(f"m{i}", pwm) for i, pwm in enumerate(pwms)], database.motifs).p
    recovered, by_archetype = set(), set()
    impure = 0
    kept = np.zeros(len(truth.label), dtype=bool)
    for i, rows in enumerate(members):
        kept[rows] = True
        label = truth.label[np.unique(rows)]
        times = np.bincount(label[label >= 0], minlength=max(1, len(truth.motifs)))
        best = int(times.argmax())
        impure += int(times[best] <= IMPURE * len(label))
        if len(label) < FEWEST_SEQLETS or times[best] <= PURE * len(label):
            continue
        top = [database.motifs[j].id for j in np.argsort(p[i], kind="stable")[:TOP]]
        if truth.motifs[best].id in top:
            recovered.add(best)
        if database.archetypes[truth.motifs[best].id] in {database.archetypes[t] for t in top}:
            by_archetype.add(best)
    noise = truth.label < 0
    return Found(
        len(pwms),
        len(recovered),
        len(by_archetype),
        impure,
        float(kept[noise].mean()) if noise.any() else 0.0,
    )


def _records(codes: NDArray[np.integer]) -> list[Record]:
    text = np.frombuffer(BASES.encode(), dtype=np.uint8)[codes]
    return [Record(f"s{i}", row.tobytes().decode()) for i, row in enumerate(text)]
