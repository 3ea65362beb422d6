"""The form in which columns are described, and the descriptions that many tables share."""

from __future__ import annotations

Columns = dict[str, tuple[str, str]]
"""Name of a column -> meaning and unit (empty: none), in the order of the table."""

HEAD: Columns = {
    "layer": ("layer, counted from 0", ""),
    "head": ("head within the layer, counted from 0", ""),
    "kind": ("whether its layer attends locally or globally", "local or global"),
}


def interval(column: str, unit: str = "") -> Columns:
    """``COLUMN_low`` and ``COLUMN_high``, the 95 % interval of a column.

    Args:
        column: Name of the column that has the interval.
        unit: Unit of that column.
    """
    return {
        f"{column}_low": (f"lower end of the 95 % interval of `{column}`", unit),
        f"{column}_high": (f"upper end of the 95 % interval of `{column}`", unit),
    }


def bounds(of: str, unit: str = "") -> Columns:
    """``low`` and ``high``, the 95 % interval of the table's main column.

    Args:
        of: Name of that column.
        unit: Unit of that column.
    """
    return {
        "low": (f"lower end of the 95 % interval of `{of}`", unit),
        "high": (f"upper end of the 95 % interval of `{of}`", unit),
    }
