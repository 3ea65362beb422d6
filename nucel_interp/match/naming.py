"""When a motif may be called by a factor's name, and what it is called otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

NAMED_E = 0.01
"""A motif is named after a family of matrices at this E-value or below ..."""
NAMED_Q = 0.05
"""... and at this q over all motifs and matrices; above either it resembles a matrix."""
TRACT_SHARE = 0.9
"""Mean probability of two letters (or of one) from which on a matrix is a tract of them."""
TRACT_WIDTH = 6
_TRACTS = {"CT": "pyrimidine", "AG": "purine", "AT": "A/T"}


def identity(pwm: NDArray[np.float64], best: pd.Series | dict[str, Any] | None) -> str:
    """What a motif is, never more than its match says: family first, then the matrix.

    A tract of two letters is said to be a tract, whatever matrix it matches: matrices of C2H2 zinc
    fingers match any of them.

    Args:
        pwm: (4, width), rows A, C, G, T.
        best: The best row of `match_table`; None if there is none.
    """
    kind = tract(pwm)
    if best is None:
        return kind or "like no known matrix"
    matrix = f"{best['Target_ID']} {best['Target_name']}, E = {power(float(best['E-value']))}"
    if kind:
        return f"{kind}; resembles {matrix}"
    if is_named(float(best["E-value"]), float(best["q_global"])):
        return f"{family(str(best['archetype']))} family: {matrix}"
    return f"resembles {matrix}: not enough to name it"


def called(row: Mapping[Any, Any]) -> str:
    """One word or two for a row of the main table: family, tract, or consensus if it has neither.

    Args:
        row: Cells ``identity``, ``archetype``, ``E_value``, ``q_global`` and ``consensus``.
    """
    kind = str(row["identity"]).partition(";")[0]
    if kind.startswith(("a ", "an ")):
        return kind
    if is_named(float(row["E_value"]), float(row["q_global"])):
        return family(str(row["archetype"]))
    return str(row["consensus"])


def is_named(e: float, q: float) -> bool:
    """Is the match good enough for a name?

    Args:
        e: Tomtom's p-value times the number of matrices.
        q: Benjamini and Hochberg's over all motifs and matrices that were compared.
    """
    return e <= NAMED_E and q <= NAMED_Q


def family(archetype: str) -> str:
    """``CTCF`` of ``A052_CTCF``: what the group of look-alikes is named after."""
    return archetype.partition("_")[2] or archetype


def tract(pwm: NDArray[np.float64]) -> str:
    """``a pyrimidine tract`` or the like; "" if the matrix is none.

    Args:
        pwm: (4, width), rows A, C, G, T.
    """
    if pwm.shape[1] < TRACT_WIDTH:
        return ""
    share = dict(zip("ACGT", pwm.mean(axis=1).tolist(), strict=True))
    for letter in "ACGT":
        if share[letter] >= TRACT_SHARE:
            return f"a run of {letter}"
    for letters, name in _TRACTS.items():
        if sum(share[x] for x in letters) >= TRACT_SHARE:
            return f"a{'n' if name == 'A/T' else ''} {name} tract"
    return "" if _alternates(pwm) == "" else f"a repeat of {_alternates(pwm)}"


def _alternates(pwm: NDArray[np.float64]) -> str:
    """Two letters in turn throughout, as CACACA; "" if not."""
    columns = [pwm[:, first::2].mean(axis=1) for first in (0, 1)]
    if all(column.max() >= TRACT_SHARE for column in columns):
        return "".join("ACGT"[int(column.argmax())] for column in columns)
    return ""


def power(value: float) -> str:
    """1.6e-6 rather than Python's 1.6e-06."""
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+")
