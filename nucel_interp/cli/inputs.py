"""What commands that score sequences share: reading inputs, and what to say of the null."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nucel_interp.progress import say

if TYPE_CHECKING:
    from nucel_interp.seqlets import Calling
    from nucel_interp.types import Record
    from nucel_model import Nucel


def check_tracks(track: Path | None, null_track: Path | None) -> None:
    """A null track is of use only beside a track."""
    if null_track is not None and track is None:
        raise typer.BadParameter("--null-track needs --track")


def say_if_cold() -> None:
    """Say before the first comparison of motifs that it is compiled, if it is."""
    from nucel_interp.motifs.similarity import notice

    text = notice()
    if text:
        say(text)


def set_threads(threads: int, *, reads: bool = True) -> None:
    """Give torch its threads; it is not even loaded where no model is read."""
    if threads and reads:
        import torch

        torch.set_num_threads(threads)


def check_context(context: int | None, *, reads: bool) -> None:
    """A context is of use only where a model is read."""
    if context is not None and not reads:
        raise typer.BadParameter("--context is of a model, and with these options none is read")


def reader_for(model: str, context: int | None, *, reads: bool) -> str | Nucel:
    """The model, loaded; only its name where none is read."""
    if not reads:
        return model
    from nucel_interp.scoring.device import load_model

    return load_model(model, context)


def read_tracks_for(
    records: list[Record], track: Path | None, null_track: Path | None
) -> dict[str, Any]:
    """The ``track`` and ``null_track`` arguments of the analysis functions."""
    from nucel_interp.io.tracks import read_tracks

    paths = {"track": track, "null_track": null_track}
    return {
        name: None if path is None else read_tracks(path, records) for name, path in paths.items()
    }


def say_of_null(calling: Calling, *, permuted: bool) -> None:
    """What must be known of the thresholds before any number is believed."""
    if shortfall := calling.shortfall("the null"):
        say(f"note: {shortfall}")
    if permuted:
        say(
            "note: without --null-track the null is the track with its bases permuted, which tests "
            "only whether high values stand together"
        )


def is_genome(sequences: Path, bed: Path | None, cluster: str) -> bool:
    """Whether SEQUENCES is read by interval, not record by record."""
    from nucel_genome.readers import is_twobit

    if str(sequences) == "-" and (bed is not None or cluster):
        raise typer.BadParameter("a genome is read from a file, not from standard input")
    return bed is not None or bool(cluster) or is_twobit(sequences)
