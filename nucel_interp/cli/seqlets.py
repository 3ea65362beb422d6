"""`nucel-interp seqlets`: the intervals where a score exceeds its null."""

from __future__ import annotations

from pathlib import Path

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_of_table
from nucel_interp.cli.score_options import ScoreOptions, score_options


@score_options
def seqlets(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    scored: ScoreOptions = ScoreOptions(),  # noqa: B008, frozen
    force: options.Force = False,
) -> None:
    """Short intervals of high score, as BED.

    Example: nucel-interp seqlets peaks.fa --track mine.bedGraph -o seqlets.bed
    """
    from nucel_interp.api.find_seqlets import find_seqlets
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_free

    scored.check()
    check_free(out, force=force)
    with reporter() as on_progress:
        result = find_seqlets(sequences, **scored.arguments(), on_progress=on_progress)
    result.save(out, force=force)
    say_of_table(result, out)
