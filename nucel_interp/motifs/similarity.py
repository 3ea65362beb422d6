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
from nucel_interp.motifs.pwm import total_information, trim
from nucel_interp.types import Motif

# memelite's own limit: below it the null has too few columns
FEWEST_TARGETS = 25
END_BITS = 0.25
"""Columns at either end of a matrix with less information are not compared.

Two flat columns are the most alike of all, so that flat ends match whatever has a run of N. A
background of 70 % A and T has 0.12 bits, and 20 sites without any preference look like 0.11;
JASPAR's own ends all have more than 0.25.
"""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every query (row) against every target (column); all arrays (n_queries, n_targets).

    Attributes:
        p: Tomtom's p-value of the best alignment, 0..1, both strands accounted for.
        offset: Number of columns the query begins to the right of the target, negative if to the
            left; the target as shown by ``strand``. This is Tomtom's sign. It is of the matrices as
            they were given, with their ends.
        overlap: Number of aligned columns, ends included; 0 where not compared.
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

    Ends that say nothing (`informative`) are left out of queries, targets and null alike; a matrix
    that is nothing else is like nothing (p = 1).

    Args:
        queries: Motifs to look up.
        targets: Motifs to look in.
        null: Further motifs whose columns join the null but which are not reported; needed for
            honest p-values where there are few targets.
        min_bits: Queries with less information between their ends are not compared (p = 1).
        min_width: Queries with fewer columns between their ends are not compared (p = 1).

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
    asked = [informative(query) for query in queries]
    rows = [
        row
        for row, query in enumerate(asked)
        if query.width >= max(min_width, 1) and total_information(query.pwm) >= min_bits
    ]
    given = [informative(motif) for motif in (*targets, *null)]
    pool = [_columns(motif.pwm) for motif in given if motif.width]
    columns = [column for column, target in enumerate(given[: len(targets)]) if target.width]
    if rows and columns:
        if len(given) < FEWEST_TARGETS:
            warnings.warn(
                f"Motif similarity was computed against {len(given)} motifs only; below "
                f"{FEWEST_TARGETS} its p-values depend strongly on which motifs these are. "
                "Compare with a larger collection to rely on them.",
                NucelWarning,
                stacklevel=2,
            )
        found = _memelite([_columns(asked[row].pwm) for row in rows], pool)[:, :, : len(columns)]
        at = np.ix_(rows, columns)
        p[at] = np.clip(found[0], 0.0, 1.0)  # rounding may leave a p a hair outside
        strand[at] = np.where(found[4] == 0, "+", "-")
        before = np.array([asked[row].left for row in rows])[:, None]
        ends = np.array([(given[column].left, given[column].right) for column in columns])
        shown = np.where(found[4] == 0, ends[:, 0], ends[:, 1])  # the target's left, as it is shown
        offset[at] = found[2].astype(np.int64) - before + shown
        width = np.array([[query.width] for query in queries])
        end = np.minimum(offset + width, [target.width for target in targets])
        overlap = np.where(strand == ".", 0, end - np.maximum(offset, 0))
    return Comparison(p, offset, overlap, strand)


@dataclass(frozen=True, eq=False)
class Informative:
    """A matrix without its uninformative ends.

    Attributes:
        pwm: (4, columns that are left); none if no column says anything.
        left, right: Number of columns cut at either end.
    """

    pwm: NDArray[np.float64]
    left: int
    right: int

    @property
    def width(self) -> int:
        """Columns that are left."""
        return self.pwm.shape[1]


def informative(motif: Motif) -> Informative:
    """What of a motif is compared: without columns under `END_BITS` at either end."""
    kept, left = trim(motif.pwm, END_BITS)
    return Informative(kept, left, motif.width - left - kept.shape[1])


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


def _columns(pwm: NDArray[np.float64]) -> NDArray[np.float64]:
    # one dtype and layout, or numba compiles anew
    return np.ascontiguousarray(pwm, dtype=np.float64)


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
