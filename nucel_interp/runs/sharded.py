"""What runs of both kinds share: parts that are kept beside the output and gone on with."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucel_interp.errors import InputError
from nucel_interp.progress import OnProgress, counted, say
from nucel_interp.runs.shards import Parts

if TYPE_CHECKING:
    from nucel_interp.scoring.scores import Strands
    from nucel_model import Nucel

SHARD_BP = 250_000
"""Bases that are scored, written and done again together."""
FORMAT = 3
"""Number of the form of parts and of what is told of them; older ones are not gone on with."""


class ShardedRun:
    """One run in shards, each of which is written as a part as soon as it is done.

    Attributes:
        model: Model that is read, as `from_pretrained` gives it.
        strands: "both" or "forward", as `score_sequences`.
        bases: Bases of the whole input.
    """

    def __init__(self, model: Nucel, strands: Strands, bases: int, out: Path | None) -> None:
        """Say where the parts are.

        Args:
            model: Model that is read, as `from_pretrained` gives it.
            strands: "both" or "forward", as `score_sequences`.
            bases: Bases of the whole input.
            out: Output beside which the parts are kept until it is there; None keeps them as long
                as the run is held.
        """
        self.model, self.strands, self.bases = model, strands, bases
        self._is_open = True
        self._is_kept = out is not None
        if out is not None:
            self._parts = Parts(out)
            return
        folder = tempfile.TemporaryDirectory(prefix="nucel-interp-")
        self._parts = Parts(Path(folder.name) / "out")
        weakref.finalize(self, folder.cleanup)

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self._parts.folder

    def close(self) -> None:
        """Remove the parts, once the output is there or nobody wants it."""
        self._is_open = False
        self._parts.remove()

    def bases_of(self, number: int) -> int:
        """Bases of a part."""
        raise NotImplementedError

    def _require_open(self) -> None:
        """Refuse to read numbers that are gone.

        Raises:
            InputError: The run was closed.
        """
        if not self._is_open:
            raise InputError("this result was closed, and its numbers are gone: make it again")

    @contextmanager
    def _going_on(
        self, about: dict[str, Any], *, anew: bool, on_progress: OnProgress | None
    ) -> Iterator[tuple[set[int], Callable[[int], None]]]:
        """The numbers of finished parts, and a callable to be told of bases that are read.

        Ended from outside, what is finished is kept; if that is nothing, nothing is left.

        Args:
            about: Input and options that decide the parts' numbers, beside the model and the
                strands.
            anew: Throw away what another run left, in place of refusing.
            on_progress: Called as ``on_progress(done, total, stage)``.

        Raises:
            OutputError: Parts of another run lie there, or none can be written.
        """
        how = self._how() if self._is_kept else {}  # nobody else finds parts that are not kept
        found = self._parts.start({"format": [FORMAT, SHARD_BP], **about, **how}, anew=anew)
        kept = self._bases(found)
        if kept:
            say(f"going on: {kept:,} of {self.bases:,} bases were done")
        try:
            with counted(on_progress, "reading with the model", self.bases, done=kept) as step:
                yield found, step
        except (KeyboardInterrupt, SystemExit):
            kept = self._bases(self._parts.done())
            if kept and self._is_kept:
                say(
                    f"stopped: {kept:,} of {self.bases:,} bases are kept in {self.folder}; the "
                    "same command goes on with them"
                )
            else:
                self.close()
            raise

    def _bases(self, parts: set[int]) -> int:
        return sum(self.bases_of(number) for number in parts)

    def _how(self) -> dict[str, Any]:
        return {
            "model": f"{self.model.name}, {model_digest(self.model)}",
            "context": self.model.config.context_bp,
            "strand": self.strands,
        }


def model_digest(model: Nucel) -> str:
    """A short fingerprint of a model as it is in memory, however it came there.

    Its numbers decide it and its configuration, but for the bases it reads at once.
    """
    import torch

    config = {k: v for k, v in dataclasses.asdict(model.config).items() if k != "context"}
    found = hashlib.sha256(repr(sorted(config.items())).encode())
    for name, tensor in sorted(model.state_dict().items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()[:16]
