"""Numbers as people write them, and facts that may be missing."""

from __future__ import annotations

import math
import re
from typing import Any

from markupsafe import Markup, escape

DASH = "–"


class Facts(dict[str, Any]):
    """Facts by name; one that is not there is None, which the page shows as a dash."""

    def __missing__(self, key: str) -> None:
        return None


def number(value: Any) -> str:
    """1,234, 0.97 or 1.2e-8; yes or no; a dash if there is no value."""
    if is_missing(value):
        return DASH
    if isinstance(value, str):
        return value or DASH
    if isinstance(value, bool) or type(value).__name__ == "bool":  # NumPy's too
        return "yes" if value else "no"
    value = float(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) < 0.001 or abs(value) >= 1e15:
        digits, power = f"{value:.1e}".split("e")
        return f"{digits}e{int(power)}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def share(value: Any) -> str:
    """A share as per cent."""
    return DASH if is_missing(value) else f"{float(value):.0%}"


def fixed(value: Any) -> str:
    """Two digits after the point."""
    return DASH if is_missing(value) else f"{float(value):.2f}"


def interval(low: Any, high: Any) -> str:
    """``0.82 to 1.49``; nothing if either end is missing."""
    return "" if is_missing(low) or is_missing(high) else f"{fixed(low)} to {fixed(high)}"


def unbroken(text: str) -> Markup:
    """Text, escaped, where no line may end within a number like ``1.2e-8``."""
    kept = re.sub(r"\d[\d.]*e-\d+", r'<span class="whole">\g<0></span>', str(escape(text)))
    return Markup(kept)


def is_missing(value: Any) -> bool:
    """None, or not a finite number."""
    if value is None:
        return True
    try:
        return not math.isfinite(value)
    except TypeError:
        return False
