"""Reading what lies in a model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nucel_model.errors import FolderError

MOST_BYTES = 1 << 24
"""Of a file of JSON or text; the largest tokenizer.json of a published model has a quarter."""


def read_text(path: Path) -> str:
    """UTF-8 with or without a mark.

    Raises:
        FolderError: It cannot be read, or is far too long.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise FolderError(
                f"{path} has {size:,} bytes, more than the {MOST_BYTES:,} that are read of such a "
                "file; is it what it is called?"
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FolderError(f"{path} is not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror or error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        FolderError: As `read_text`, or it is no JSON object.
    """
    text = read_text(path)
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FolderError(f"{path} is not JSON: {error}") from error
    except RecursionError:
        raise FolderError(f"{path} is not JSON that can be read: it is nested too deeply") from None
    if not isinstance(data, dict):
        raise FolderError(f"{path} is not a JSON object")
    return data
