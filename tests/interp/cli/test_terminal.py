"""Numbers as the terminal shows them."""

from __future__ import annotations

import math

import pytest

from nucel_interp.cli import terminal
from nucel_interp.cli.terminal import with_interval


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1.206, 1.02, 1.43), "1.21 (1.02 to 1.43)"),
        ((1.206, math.nan, math.nan), "1.21"),
        ((math.nan, math.nan, math.nan), "-"),
    ],
)
def test_what_is_not_known_is_a_dash(numbers, words):
    assert with_interval(*numbers) == words


ROWS = [
    {"motif": "motif_1 CCASYAGRKGGCRSYV", "E": "1.2e-08", "q": "-", "fold": "6.17 (5.33-7.23)"},
    {"motif": "motif_12 ACGT", "E": "-", "q": "3.0e-120", "fold": "-"},
]
KEEP = ["motif", "q", "E", "fold"]


def printed(monkeypatch, capsys, columns: int | None) -> list[str]:
    """The table on a terminal of that width; None: in a file."""
    monkeypatch.setenv("COLUMNS", str(columns or 20))
    monkeypatch.setattr(terminal.sys.stdout, "isatty", lambda: columns is not None, raising=False)
    terminal.print_table(ROWS, KEEP, "motifs.tsv")
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (None, ["motif", "E", "q", "fold"]),
        (61, ["motif", "E", "q", "fold"]),
        (60, ["motif", "E", "q"]),
        (42, ["motif", "q"]),
        (34, ["motif", "q"]),
        (33, ["motif"]),
        (5, ["motif"]),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_and_no_cut_number(
    monkeypatch, capsys, columns, titles
):
    head, *lines = printed(monkeypatch, capsys, columns)
    assert head.split() == titles
    for row, line in zip(ROWS, lines, strict=False):
        assert line.split() == [word for t in titles for word in row[t].split()]
    if len(titles) < 4:
        assert lines[-1] == f"({len(titles)} of 4 columns fit here; all are in motifs.tsv)"


def test_a_number_that_is_not_known_is_a_dash():
    assert terminal.number(math.nan, ".1e") == "-"
    assert terminal.number(0.0312, ".0%") == "3%"
