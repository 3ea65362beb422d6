"""A run that is cut off at a line it says, and what it left."""

from __future__ import annotations

import json
from pathlib import Path

OFTEN = {"checkpoint_minutes": 1e-9}
"""A checkpoint at every step."""


class CutOff(Exception):
    """Stands for the power failing."""


def silent(line: str) -> None:
    """Listens to a run and says nothing."""


def cut_at(text: str):
    """Cuts a run off when it says a line that begins so."""

    def say(line: str) -> None:
        if line.startswith(text):
            raise CutOff

    return say


def metrics(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
