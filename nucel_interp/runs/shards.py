"""What a long run has finished, kept beside its output until all is there.

A run writes numbered parts into a hidden folder, each whole or not at all, and joins them in the
end. Cut off in whatever way, the same command goes on with the parts that are there.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import OutputError
from nucel_interp.io.outputs import make_parents, remove_empty

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_ABOUT = "run.json"


class Parts:
    """The parts of one run; may be pickled and used by several processes.

    Attributes:
        folder: ``.OUT.unfinished``, beside the output.
    """

    def __init__(self, out: str | Path) -> None:
        out = Path(out).expanduser().resolve()
        self.folder = out.parent / f".{out.name[:100]}.unfinished"
        self._made: list[Path] = []

    def start(self, about: Mapping[str, Any], *, anew: bool = False) -> set[int]:
        """Begin, or go on; gives the numbers of the parts that are there.

        Args:
            about: Input, model and options that decide the parts' numbers; JSON values.
            anew: Throw away what a run of something else left, in place of refusing.

        Raises:
            OutputError: The folder holds parts of a run that differs in ``about``, or cannot be
                written.
        """
        # through JSON, as what is read back: a tuple is a list there
        wanted = json.loads(json.dumps(about))
        try:
            before = self._about()
            if before is None or (anew and before != wanted):
                self.remove()
                self._made = make_parents(self.folder)
                self.folder.mkdir()
                self._write(_ABOUT, json.dumps(wanted, indent=1).encode())
                return set()
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be written: {error.strerror or error}"
            ) from error
        if before != wanted:
            differs = [k for k in {**before, **wanted} if before.get(k) != wanted.get(k)]
            name = differs[0]
            raise OutputError(
                f"{self.folder} holds {len(self.done()):,} finished parts of a run with another "
                f"{name} ({_short(before.get(name))}; now {_short(wanted.get(name))}). Finish that "
                "one, give another -o, or --force to throw them away"
            )
        return self.done()

    def done(self) -> set[int]:
        """Numbers of the parts that are there."""
        return {int(path.stem) for path in self.folder.glob("[0-9]*.npz")}

    def has(self, number: int) -> bool:
        """Whether a part is there."""
        return self._path(number).exists()

    def write(self, number: int, arrays: Arrays) -> None:
        """Write a part, or write it again.

        Raises:
            OutputError: It cannot be written.
        """
        partial = self.folder / f".{number}.{secrets.token_hex(4)}"
        try:
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path(number))
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OutputError(
                f"{self.folder} cannot be written: {error.strerror or error}; what is finished "
                "is kept, and the same command goes on"
            ) from error

    def read(self, number: int, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
        """The arrays of a part, all or those named.

        Raises:
            OutputError: It is damaged. It is thrown away, to be made again.
        """
        path = self._path(number)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in (arrays if names is None else names)}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            path.unlink(missing_ok=True)
            raise OutputError(f"{path} is damaged; the same command makes it again") from error

    def remove(self) -> None:
        """Throw all of it away, and the folders above that were made for it and hold nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        remove_empty(self._made)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:07}.npz"

    def _about(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.folder / _ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _write(self, name: str, content: bytes) -> None:
        partial = self.folder / f".{name}.{secrets.token_hex(4)}"
        partial.write_bytes(content)
        partial.replace(self.folder / name)


def digest(value: object) -> str:
    """A short fingerprint of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
