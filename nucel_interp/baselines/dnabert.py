"""The motif search of DNABERT (Ji et al., Bioinformatics 2021, 37:2112), to compare with.

It is offered as it is, for papers that set themselves beside it. What it lacks:

- a test of the score: p says that a string lies in more positives than negatives, wherever it lies.
  A score of random numbers on sequences that are enriched for anything gives motifs too
- a half that was held out: a string is tested on the sequences it was cut out of
- the other strand, and a null for the score
- equal sequences as one: ten copies of a sequence are ten witnesses
- the ends of sequences: windows there are dropped

On random sequence with a random score it finds nothing, so a run on shuffled input, which would
show the first of these, looks clean.

Followed to the letter is `motif/find_motifs.py` with the options that its README gives, run with
the Biopython of its day (1.79): there, end gaps are free and two alignments are equal if they lie
alike. Biopython changed the second with 1.80 and the first with 1.86, and the script's result with
them. One thing differs: among strings of equal length, ours are in alphabetical order, where its
order is that of the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.motifs.pwm import from_counts
from nucel_interp.types import BASES, Motif, as_sequences

MIN_REGION_BP = 5
WINDOW_BP = 24
CUTOFF = 0.005
MIN_INSTANCES = 3

Place = tuple[int, int, int]
"""Number of a sequence, start and end in it, 0-based half-open."""


@dataclass(frozen=True, eq=False)
class DnabertMotif:
    """A string of high attention, with the strings that were merged into it.

    Attributes:
        motif: Base frequencies of the windows, one column per base of the window.
        string: The string all others were aligned to.
        strings: All strings of the motif, the first included.
        instances: Window of each occurrence that a score cut out; none of them at a sequence's
            very end.
        positives: Number of sequences that hold ``string``.
        negatives: Number of negative sequences that hold ``string``.
        p: Hypergeometric, of ``string``, on the sequences that it was chosen from.
        q: Benjamini and Hochberg over all strings that any score cut out.
    """

    motif: Motif
    string: str
    strings: tuple[str, ...]
    instances: tuple[Place, ...]
    positives: int
    negatives: int
    p: float
    q: float


def dnabert_motifs(
    sequences: list[str],
    scores: Sequence[NDArray[np.floating]],
    negatives: list[str],
    *,
    min_region: int = MIN_REGION_BP,
    window: int = WINDOW_BP,
    cutoff: float = CUTOFF,
    min_instances: int = MIN_INSTANCES,
) -> list[DnabertMotif]:
    """Motifs by DNABERT's method; see the module for what it lacks.

    1. Regions: at least ``min_region`` neighbouring bases whose score is above the sequence's mean
       and above ten times its minimum.
    2. Each distinct string among them is looked for, letter by letter, in all sequences; one that
       holds it several times counts once. p is the chance to draw as many positives,
       ``hypergeom.sf(x - 1, N, K, n)``, and q its Benjamini-Hochberg value; q < ``cutoff`` stays.
    3. From the shortest on, a string joins the earlier one that it matches best, without internal
       gaps, if at least max(``min_region`` - 1, half the shorter) letters agree; and with it every
       other such string of the same length that lies at the same place.
    4. Each occurrence, moved to where the joined string would lie, is widened to ``window``. One
       whose window does not end before the sequence's last base is dropped; a motif stays with
       ``min_instances`` of them.

    Args:
        sequences: The positives.
        scores: An array per sequence, as long; DNABERT's are those of `baselines.cls_row`. A base
            without a score (NaN) is in no region.
        negatives: Sequences to compare with; the method takes labelled negatives, shuffled copies
            serve.
        min_region: Shortest region that is kept, in bases.
        window: Width of the windows around a region's middle, in bases.
        cutoff: Largest q of a string that is kept.
        min_instances: Fewest occurrences.

    Returns:
        Best q first, then most instances.

    Raises:
        InputError: Not one array per sequence, or one of another length.
    """
    from scipy.stats import false_discovery_control, hypergeom

    sequences = as_sequences(sequences)
    negatives = as_sequences(negatives, "negatives")
    _check(sequences, scores)
    found: dict[str, list[Place]] = defaultdict(list)
    for number, (sequence, score) in enumerate(zip(sequences, scores, strict=True)):
        for start, end in high_regions(score, min_region):
            found[sequence[start:end]].append((number, start, end))
    if not found:
        return []
    strings = sorted(found, key=lambda s: (len(s), s))
    in_positives = count_strings(sequences, strings)
    in_all = in_positives + count_strings(negatives, strings)
    p = hypergeom.sf(in_positives - 1, len(sequences) + len(negatives), len(sequences), in_all)
    p = np.clip(p, np.finfo(float).tiny, 1.0)
    q = false_discovery_control(p)
    number_of = {s: i for i, s in enumerate(strings)}
    motifs = []
    for first, members in _merged([s for s in strings if q[number_of[s]] < cutoff], min_region):
        windows = list(
            chain.from_iterable(
                _windows(found[s], shift, len(first), sequences, window) for s, shift in members
            )
        )
        if len(windows) < min_instances:
            continue
        i = number_of[first]
        motifs.append(
            DnabertMotif(
                motif=Motif(f"dnabert_{first}", _frequencies(windows, sequences), len(windows)),
                string=first,
                strings=tuple(s for s, _ in members),
                instances=tuple(sorted(windows)),
                positives=int(in_positives[i]),
                negatives=int(in_all[i] - in_positives[i]),
                p=float(p[i]),
                q=float(q[i]),
            )
        )
    return sorted(motifs, key=lambda m: (m.q, -len(m.instances), m.string))


def high_regions(
    score: NDArray[np.floating], min_region: int = MIN_REGION_BP
) -> list[tuple[int, int]]:
    """Stretches above the mean and above ten times the minimum, 0-based half-open.

    Args:
        score: (bases,); NaN where there is none.
        min_region: Fewest bases.
    """
    score = np.asarray(score, dtype=np.float64)
    known = ~np.isnan(score)
    if not known.any():
        return []
    limit = max(score[known].mean(), 10 * score[known].min())
    high = np.zeros(len(score) + 2, dtype=np.int8)
    high[1:-1][known] = score[known] > limit
    edges = np.flatnonzero(np.diff(high)).reshape(-1, 2)
    return [(int(a), int(b)) for a, b in edges if b - a >= min_region]


def count_strings(sequences: Iterable[str], strings: list[str]) -> NDArray[np.int64]:
    """In how many of the sequences each string lies, on the strand given."""
    strings = as_sequences(strings, "strings")
    number = {s: i for i, s in enumerate(strings)}
    by_length: dict[int, set[str]] = defaultdict(set)
    for s in strings:
        by_length[len(s)].add(s)
    counts = np.zeros(len(strings), dtype=np.int64)
    for sequence in as_sequences(sequences):
        for length, wanted in by_length.items():
            here = {sequence[i : i + length] for i in range(len(sequence) - length + 1)}
            for s in here & wanted:
                counts[number[s]] += 1
    return counts


def best_offset(query: str, key: str) -> tuple[int, int]:
    """How many letters agree where ``key`` fits ``query`` best, and where ``key`` begins in it.

    Both may hang over at either end. Of equally good places the one furthest right counts if it
    hangs over the query's right end, else the one furthest left: what Biopython's aligner gives
    first.
    """
    here, there = _letters(query), _letters(key)
    agree = np.zeros(len(query) + len(key) - 1, dtype=np.int64)
    for letter in set(key):
        code = ord(letter)
        agree += np.correlate((here == code).astype(int), (there == code).astype(int), "full")
    best = np.flatnonzero(agree == agree.max()) - (len(key) - 1)
    over = best[best > len(query) - len(key)]
    return int(agree.max()), int(over[-1] if len(over) else best[0])


def _letters(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)


def _merged(strings: list[str], min_region: int) -> list[tuple[str, list[tuple[str, int]]]]:
    """First strings of the motifs, each with its members and where the first begins in them.

    Args:
        strings: Shortest first.
        min_region: Bases; one less is the fewest letters that must agree.
    """
    merged: dict[str, list[tuple[str, int]]] = {}
    for query in strings:
        fits = []
        for key in merged:
            agree, offset = best_offset(query, key)
            if agree >= max(min_region - 1, 0.5 * min(len(query), len(key))):
                fits.append((agree, offset, key))
        if not fits:
            merged[query] = [(query, 0)]
            continue
        _, offset, best = max(fits, key=lambda fit: fit[0])  # the first of equals
        for _, other, key in fits:
            if other == offset and len(key) == len(best):
                merged[key].append((query, other))
    return list(merged.items())


def _windows(
    places: list[Place], shift: int, length: int, sequences: list[str], window: int
) -> list[Place]:
    """Windows around the stretch of ``length`` that begins ``shift`` after each place's start."""
    left = (window - length) // 2  # rounds down, also below zero
    windows = []
    for number, start, _ in places:
        begin = start + shift - left
        if begin >= 0 and begin + window < len(sequences[number]):
            windows.append((number, begin, begin + window))
    return windows


def _frequencies(windows: list[Place], sequences: list[str]) -> NDArray[np.float64]:
    """(4, window) with the usual pseudocount; letters other than A, C, G, T count nowhere."""
    text = np.stack([_letters(sequences[i][start:end]) for i, start, end in windows])
    return from_counts(np.stack([(text == ord(base)).sum(axis=0) for base in BASES]))


def _check(sequences: list[str], scores: Sequence[NDArray[np.floating]]) -> None:
    if len(sequences) != len(scores):
        raise InputError(
            f"there are {len(scores)} score arrays for {len(sequences)} sequences; "
            "give one for each"
        )
    for number, (sequence, score) in enumerate(zip(sequences, scores, strict=True)):
        if np.shape(score) != (len(sequence),):
            raise InputError(
                f"the score of sequence {number} has shape {np.shape(score)}, but the sequence has "
                f"{len(sequence)} bases; give one number per base, NaN where there is none"
            )
