"""What every result has in common: tables, figures, a summary, a notebook view, and `save`."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nucel_interp.io.outputs import OutputFolder, write_atomic
from nucel_interp.io.provenance import run_info
from nucel_interp.io.tables import to_json, to_tsv, write_json, write_tsv

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    Figures = dict[str, tuple[Figure, pd.DataFrame]]


@dataclass(frozen=True, eq=False)
class Run:
    """How a result came about, for run.json.

    Attributes:
        call: The public function that was called, such as ``head_motifs``.
        inputs: Files that were read.
        facts: What else is told: model, its checksum, backend, seed.
        seconds: How long it took.
    """

    call: str
    inputs: Sequence[Path] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def info(self, command: Sequence[str] | None = None) -> dict[str, Any]:
        """The content of run.json.

        Args:
            command: The command line; ``nucel_interp.CALL`` if the function was called in Python.
        """
        return run_info(
            list(command or [f"nucel_interp.{self.call}"]),
            inputs=self.inputs,
            **self.facts,
            threads=_threads(),
            seconds=round(self.seconds, 1),
        )


def _threads() -> int | None:
    """CPU threads of torch; None where no model was read."""
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


class FolderResult:
    """A result that is saved as a folder. Subclasses say which tables and figures it has.

    Attributes:
        run: How it came about.
        summary: Flat facts, for summary.json.
        warnings: Sentences that must be read before any number.
    """

    run: Run
    summary: dict[str, Any]
    warnings: list[str]

    @property
    def answer(self) -> str:
        """The result in a sentence or two."""
        raise NotImplementedError

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file, the main one first."""
        raise NotImplementedError

    def figures(self) -> Figures:
        """Every figure by the name of its file, with the numbers that it shows."""
        return {}

    def save(
        self, folder: str | Path, *, force: bool = False, command: Sequence[str] | None = None
    ) -> Path:
        """Write the folder that the command of the same name writes.

        It appears when everything is written, or not at all.

        Args:
            folder: Where to; parents are made.
            force: Replace an earlier output of ours.
            command: The command line, for run.json; the function's name if not given.

        Returns:
            The folder.

        Raises:
            OutputError: Something else is there, or it cannot be written.
        """
        return self._save(folder, force, command)

    def _save(
        self,
        folder: str | Path,
        force: bool,
        command: Sequence[str] | None,
        also: Callable[[Path], object] | None = None,
    ) -> Path:
        """`save`; ``also`` is called with the folder at the end."""
        with OutputFolder(folder, force=force) as out:
            run = self.run.info(command)
            self._write(out, run)
            write_json(run, out / "run.json")
            if also is not None:
                also(out)
        return Path(folder)

    def _write(self, folder: Path, run: dict[str, Any]) -> None:
        """All files but run.json."""
        self._write_common(folder, self.figures())

    def _write_common(self, folder: Path, figures: Figures) -> None:
        """Tables, summary.json, and the figures that are given."""
        from nucel_interp.plots import save_figure

        for name, table in self.tables.items():
            write_tsv(table, folder / f"{name}.tsv")
        for stem, (figure, data) in figures.items():
            save_figure(figure, folder / "figures", stem, data)
        write_json(self.summary, folder / "summary.json")

    _shown: tuple[str, ...] = ()
    """Figures that a notebook shows, where there are any."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.answer}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer, what to mind, the main table, and figures."""
        from nucel_interp.plots import inline_svg

        parts = [f"<p><b>{html.escape(self.answer)}</b></p>"]
        parts += [f"<p>{html.escape(text)}</p>" for text in self.warnings]
        parts.append(_as_html(self._shown_table()))
        for number, (stem, (figure, _)) in enumerate(self._shown_figures().items()):
            prefix = f"{type(self).__name__}-{id(self):x}-{number}-"
            parts.append(inline_svg(figure, prefix, stem))
        return "".join(parts)

    def _shown_table(self) -> pd.DataFrame:
        """What a notebook shows of the tables: the main one."""
        return next(iter(self.tables.values()))

    def _shown_figures(self) -> Figures:
        """The figures that a notebook shows."""
        drawn = self.figures() if self._shown else {}
        return {stem: drawn[stem] for stem in self._shown if stem in drawn}


class TableResult:
    """A result that is one table. Subclasses have more about how it came about.

    Attributes:
        table: The table.
        warnings: Sentences that must be read before any number.
    """

    table: pd.DataFrame
    warnings: list[str]

    @property
    def answer(self) -> str:
        """The result in a sentence or two."""
        raise NotImplementedError

    def save(
        self,
        path: str | Path,
        *,
        force: bool = False,
        form: Literal["tsv", "json"] | None = None,
    ) -> Path:
        """Write the file that the command of the same name writes, whole or not at all.

        Args:
            path: Where to; ``-`` is standard output. Parents are made.
            force: Replace an earlier file.
            form: Form of the table; by default JSON if the name ends in ``.json``, else TSV.

        Returns:
            The path.

        Raises:
            OutputError: Something is there already, or it cannot be written.
        """
        write_atomic(path, self._text(form or _ending(path)), force=force)
        return Path(path)

    def _text(self, ending: str) -> str:
        """The table as it stands in a file of that ending."""
        return to_json(self.table) if ending == "json" else to_tsv(self.table)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.answer}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer, what to mind, and the table."""
        parts = [f"<p><b>{html.escape(self.answer)}</b></p>"]
        parts += [f"<p>{html.escape(text)}</p>" for text in self.warnings]
        return "".join([*parts, _as_html(self.table)])


def _ending(path: str | Path) -> str:
    """``json`` of ``a.json`` and of ``a.json.gz``."""
    name = Path(path).name.lower()
    return name.removesuffix(".gz").rpartition(".")[2]


def _as_html(table: pd.DataFrame) -> str:
    """The first rows."""
    shown = table.head(MOST_ROWS)
    text: str = shown.to_html(index=False, float_format="{:.3g}".format, na_rep="-")
    more = len(table) - MOST_ROWS
    return text if more <= 0 else f"{text}<p>{more:,} more row{'' if more == 1 else 's'}</p>"


MOST_ROWS = 20
"""Rows of the main table that a notebook shows."""
