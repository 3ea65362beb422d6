"""Motif against motif: Tomtom's p-values, from memelite.

Tomtom (Gupta et al., Genome Biol 2007, 8:R24) scores every alignment of two matrices by the
distance between columns, and asks how often columns drawn from all targets would score as well.
This is the only module that uses memelite's Tomtom; it is loaded (`compiled`) at the first call.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import NucelWarning
from nucel_interp.motifs import compiled
from nucel_interp.motifs.pwm import total_information
from nucel_interp.types import Motif

# memelite's own limit: below it the null has too few columns
FEWEST_TARGETS = 25


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every query (row) against every target (column); all arrays (n_queries, n_targets).

    Attributes:
        p: Tomtom's p-value of the best alignment, 0..1, both strands accounted for.
        offset: How many columns the query begins to the right of the target, negative if to the
            left; the target as shown by ``strand``. This is Tomtom's sign.
        overlap: Number of aligned columns; 0 where not compared.
        strand: "+" the target as given, "-" its reverse complement, "." not compared.
    """

    p: NDArray[np.float64]
    offset: NDArray[np.int64]
    overlap: NDArray[np.int64]
    strand: NDArray[np.str_]


def tomtom(
    queries: Sequence[Motif],
    targets: Sequence[Motif],
    *,
    null: Sequence[Motif] = (),
    min_bits: float = 0.0,
    min_width: int = 1,
) -> Comparison:
    """Compare motifs by Tomtom: Euclidean column distance, complete scores, both strands.

    Args:
        queries: Motifs to look up.
        targets: Motifs to look in.
        null: Further motifs whose columns join the null but which are not reported; needed for
            honest p-values where there are few targets.
        min_bits: Queries with less total information than this are not compared (p = 1).
        min_width: Queries with fewer columns than this are not compared (p = 1).

    Returns:
        p-values and alignments. p is per pair: multiply by the number of targets for E.

    Warns:
        NucelWarning: Targets and null together are fewer than 25, so that p-values depend
            strongly on which motifs were given.
    """
    shape = (len(queries), len(targets))
    p = np.ones(shape)
    offset = np.zeros(shape, dtype=np.int64)
    overlap = np.zeros(shape, dtype=np.int64)
    strand = np.full(shape, ".", dtype="<U1")
    rows = [
        row
        for row, query in enumerate(queries)
        if query.width >= min_width and total_information(query.pwm) >= min_bits
    ]
    pool = [_columns(motif) for motif in (*targets, *null)]
    if rows and targets:
        if len(pool) < FEWEST_TARGETS:
            warnings.warn(
                f"Motif similarity was computed against {len(pool)} motifs only; below "
                f"{FEWEST_TARGETS} its p-values depend strongly on which motifs these are. "
                "Compare with a larger collection to rely on them.",
                NucelWarning,
                stacklevel=2,
            )
        found = _memelite([_columns(queries[row]) for row in rows], pool)[:, :, : len(targets)]
        # rounding may leave a p a hair outside
        p[rows] = np.clip(found[0], 0.0, 1.0)
        offset[rows] = found[2].astype(np.int64)
        overlap[rows] = found[3].astype(np.int64)
        strand[rows] = np.where(found[4] == 0, "+", "-")
    return Comparison(p, offset, overlap, strand)


def is_warm() -> bool:
    """Whether memelite's Tomtom is compiled and kept on disk; loads memelite to see it."""
    return compiled.is_compiled()


def notice() -> str | None:
    """What a command should say before its first comparison; None if there is nothing to say."""
    if is_warm():
        return None
    kept, seconds = compiled.kept_in(), "about 90 seconds"
    if kept is None:
        return (
            f"Compiling motif comparison, {seconds}, in every run: no folder can be written to "
            f"keep it in. {compiled.VARIABLE} names one."
        )
    said = f"Compiling motif comparison, once on this machine: {seconds}."
    if compiled.is_temporary(kept):
        said += (
            f" It is kept in {kept.parent}, as neither the user's cache nor the packages can be "
            f"written; {compiled.VARIABLE} names another folder."
        )
    return said


def warm() -> float:
    """Compile memelite's Tomtom now (about 90 s the first time ever) and return the seconds."""
    start = time.perf_counter()
    rng = np.random.default_rng(0)
    motifs = [rng.dirichlet([0.3] * 4, size=6).T.copy() for _ in range(FEWEST_TARGETS)]
    _memelite(motifs[:2], motifs)
    return time.perf_counter() - start


def _columns(motif: Motif) -> NDArray[np.float64]:
    # one dtype and layout, or numba compiles anew
    return np.ascontiguousarray(motif.pwm, dtype=np.float64)


def _memelite(
    queries: list[NDArray[np.float64]], targets: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The engine's five arrays: p, score, offset, overlap, strand; each (queries, targets)."""
    run = compiled.tomtom()
    with warnings.catch_warnings():
        # we say this ourselves, in our own words
        warnings.filterwarnings("ignore", message="tomtom was given", category=UserWarning)
        # numba's OpenMP threads are torch's too: left alone, torch would from here on use as many
        # as numba, against the user's choice and slower by far on a busy machine
        torch = sys.modules.get("torch")
        threads = torch.get_num_threads() if torch is not None else 0
        try:
            return np.asarray(run(queries, targets), dtype=np.float64)
        finally:
            if torch is not None:
                torch.set_num_threads(threads)
