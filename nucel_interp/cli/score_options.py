"""The options of every command that finds something where a score is high, declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, get_type_hints

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads


@dataclass(frozen=True)
class ScoreOptions:
    """Options that say which score is looked at, with their defaults."""

    model: options.Model = options.DEFAULT_MODEL
    context: options.Context = None
    score: options.ScoreName = "attention"
    track: options.TrackFile = None
    null_track: options.NullTrackFile = None
    strand: options.Strands = options.Strand.both
    seed: options.Seed = 0
    threads: options.Threads = 0

    def check(self, *, reads: bool = True) -> None:
        """Refuse what is of no use beside the other options.

        Args:
            reads: Would the command read a model, were there no track?
        """
        if self.null_track is not None and self.track is None:
            raise typer.BadParameter("--null-track needs --track")
        if self.context is not None and not (reads and self.track is None):
            raise typer.BadParameter("--context is of a model, and with these options none is read")

    def arguments(self) -> dict[str, Any]:
        """The arguments of a public function; torch is given its threads."""
        set_threads(self.threads)
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        del given["threads"]
        return {**given, "strand": self.strand.value}


def score_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in place of its parameter of type `ScoreOptions`, the options of that."""
    hints = get_type_hints(command, include_extras=True)
    shared = get_type_hints(ScoreOptions, include_extras=True)
    parameters: list[inspect.Parameter] = []
    takes = ""
    for parameter in inspect.signature(command).parameters.values():
        if hints[parameter.name] is not ScoreOptions:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        takes = parameter.name
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=field.default,
                annotation=shared[field.name],
            )
            for field in fields(ScoreOptions)
        ]

    @wraps(command)
    def run(**given: Any) -> None:
        scored = ScoreOptions(
            **{field.name: given.pop(field.name) for field in fields(ScoreOptions)}
        )
        command(**given, **{takes: scored})

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run
