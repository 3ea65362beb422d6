"""Plain arithmetic on position weight matrices.

A pwm is (4, width): rows A, C, G, T, columns positions, each column summing to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.errors import InputError

Array = NDArray[np.float64]

UNIFORM: Array = np.full(4, 0.25)
_IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T",
    "AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K",
    "ACG": "V", "ACT": "H", "AGT": "D", "CGT": "B",
}  # fmt: skip


def consensus(pwm: ArrayLike) -> str:
    """The motif as IUPAC letters, one per column.

    Cavener's rule (Nucleic Acids Res 1987, 15:1353): one base if it has more than half and more
    than twice the second; else two bases if together they have over three quarters; else three
    if the fourth is practically absent (under 1 %); else N.

    Args:
        pwm: (4, width).
    """
    letters = []
    for column in _checked(pwm).T:
        order = np.argsort(-column, kind="stable")
        first, second, third, fourth = column[order]
        if first > 0.5 and first > 2 * second:
            n = 1
        elif first + second > 0.75:
            n = 2
        elif fourth < 0.01 <= third:
            n = 3
        else:
            letters.append("N")
            continue
        letters.append(_IUPAC["".join("ACGT"[b] for b in sorted(order[:n]))])
    return "".join(letters)


def information(pwm: ArrayLike) -> Array:
    """Information content of each column, in bits, against equal base frequencies.

    Args:
        pwm: (4, width).

    Returns:
        (width,), each from 0 (all bases alike) to 2 (one base). No small-sample correction.
    """
    p = _checked(pwm)
    terms = np.zeros_like(p)
    np.log2(p, out=terms, where=p > 0)
    return np.asarray(np.clip(2.0 + (p * terms).sum(axis=0), 0.0, 2.0), dtype=np.float64)


def total_information(pwm: ArrayLike) -> float:
    """Sum of `information` over the columns, in bits."""
    return float(information(pwm).sum())


def reverse_complement(pwm: ArrayLike) -> Array:
    """The same motif read on the other strand, (4, width)."""
    return np.ascontiguousarray(_checked(pwm)[::-1, ::-1])


def trim(pwm: ArrayLike, bits: float = 0.3) -> tuple[Array, int]:
    """Cut columns with less than ``bits`` of information off both ends.

    Returns:
        The kept columns (4, kept), and how many were cut on the left, so that a site that began
        at ``start`` now begins at ``start + cut``. If every column is below, (4, 0) and 0.
    """
    p = _checked(pwm)
    kept = np.flatnonzero(information(p) >= bits)
    if len(kept) == 0:
        return p[:, :0], 0
    return np.ascontiguousarray(p[:, kept[0] : kept[-1] + 1]), int(kept[0])


def from_counts(
    counts: ArrayLike, pseudocount: float = 0.5, background: ArrayLike | None = None
) -> Array:
    """Probabilities from counts.

    Args:
        counts: (4, width), not negative; need not be whole numbers.
        pseudocount: Added to each column in all, shared out by ``background``.
        background: (4,) base frequencies; equal if not given.

    Raises:
        InputError: A count is negative or not a number, or a column is empty while
            ``pseudocount`` is 0.
    """
    counted = _checked(counts)
    if not (np.isfinite(counted).all() and (counted >= 0).all()):
        raise InputError("Base counts must be numbers of at least 0. Look for NaN or minus signs.")
    smoothed = counted + pseudocount * checked_background(background)[:, None]
    totals = smoothed.sum(axis=0)
    if (totals <= 0).any():
        empty = int(np.flatnonzero(totals <= 0)[0])
        raise InputError(f"Column {empty} has no counts at all. Use a pseudocount above 0.")
    return np.asarray(smoothed / totals, dtype=np.float64)


def log_odds(
    pwm: ArrayLike,
    background: ArrayLike | None = None,
    pseudocount: float = 0.1,
    n_sites: float = 20,
) -> Array:
    """Log-odds scores in bits, as FIMO forms them.

    The pwm is first mixed with the background, ``(n_sites * pwm + pseudocount * background) /
    (n_sites + pseudocount)``, then divided by it. FIMO's own default pseudocount is 0.1.

    Args:
        pwm: (4, width).
        background: (4,) base frequencies; equal if not given.
        pseudocount: Pseudocount per column, in sites. With 0, a base of probability 0 scores minus
            infinity.
        n_sites: Number of sites that the pwm was built from.

    Returns:
        (4, width); a site's score is the sum over its positions.
    """
    b = checked_background(background)[:, None]
    smoothed = (n_sites * _checked(pwm) + pseudocount * b) / (n_sites + pseudocount)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(smoothed / b), dtype=np.float64)


def checked_background(background: ArrayLike | None) -> Array:
    """Base frequencies A, C, G, T as a (4,) array that sums to 1; equal if not given.

    Raises:
        InputError: Not four positive numbers.
    """
    if background is None:
        return UNIFORM
    b = np.asarray(background, dtype=np.float64)
    if b.shape != (4,) or not (np.isfinite(b).all() and (b > 0).all()):
        raise InputError(
            f"A background needs four frequencies above 0 (A, C, G, T), but got {b.tolist()}. "
            "Use the frequencies of the sequences, or leave it out for equal ones."
        )
    return np.asarray(b / b.sum(), dtype=np.float64)


def _checked(matrix: ArrayLike) -> Array:
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != 4:
        raise InputError(
            f"A motif matrix must be (4, width) with rows A, C, G, T, but has shape "
            f"{array.shape}. Transpose it if positions are its rows."
        )
    return array
