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
BLOCKS = [
    ["motif_1 CCASYAGRKGGCRSYV", "q -; E 1.2e-08; fold 6.17 (5.33-7.23)"],
    ["motif_12 ACGT", "q 3.0e-120; E -; fold -"],
]


def terminal_of(monkeypatch, columns: int | None) -> None:
    """Standard output is a terminal of that width; None: a file."""
    monkeypatch.setenv("COLUMNS", str(columns or 20))
    monkeypatch.setattr(terminal.sys.stdout, "isatty", lambda: columns is not None, raising=False)


@pytest.mark.parametrize("columns", [None, 61])
def test_a_table_that_fits_is_a_table(monkeypatch, capsys, columns):
    terminal_of(monkeypatch, columns)
    terminal.print_table(ROWS, BLOCKS)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["motif", "E", "q", "fold"]
    for row, line in zip(ROWS, lines, strict=True):
        assert line.split() == [word for cell in row.values() for word in cell.split()]


@pytest.mark.parametrize("columns", [60, 40, 24])
def test_a_narrow_terminal_gets_blocks_with_all_of_it(monkeypatch, capsys, columns):
    terminal_of(monkeypatch, columns)
    terminal.print_table(ROWS, BLOCKS)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= columns
    assert said.split() == [word for block in BLOCKS for line in block for word in line.split()]
    assert [line for line in said.splitlines() if not line.startswith(" ")] == [
        "motif_1 CCASYAGRKGGCRSYV", "motif_12 ACGT",
    ]  # fmt: skip


def test_a_paragraph_is_wrapped_on_a_terminal_alone(monkeypatch, capsys):
    text = "These 400 sequences hold TTTGCATAACAAWRG (POU-SOX family), E = 1.2e-20, in 59%."
    for columns, n_lines in ((40, 2), (None, 1)):
        terminal_of(monkeypatch, columns)
        terminal.print_text(text)
        said = capsys.readouterr().out
        assert said.split() == text.split()
        assert len(said.splitlines()) == n_lines
        assert columns is None or max(map(len, said.splitlines())) <= columns


def test_what_was_not_measured_is_a_dash_in_the_row_of_a_motif():
    from nucel_interp.cli.motifs import _block, _row
    from tests.interp.fake_result import fake_result

    first = fake_result(2).motifs.to_dict("records")[0]
    blank = dict.fromkeys(("head_auroc", "head_auroc_low", "head_auroc_high"), math.nan)
    row = _row({**first, **blank, "looked_at": "not measured", "best_head": "", "best_match": ""})
    assert [row[name] for name in ("JASPAR", "looked at", "head", "AUROC")] == ["-"] * 4
    assert _block(row) == [
        "motif_1 CCACTAGGGGGCGCT  -",
        "in 97% of held-out sequences, 10% of shuffled, q 6.0e-09; found by both",
        "looked at: -",
    ]
    assert _block(_row(first))[2] == "looked at: yes, head 2:0, AUROC 0.81 (0.78-0.84)"
    assert max(map(len, _block(_row(first)))) <= 78


def test_a_number_that_is_not_known_is_a_dash():
    assert terminal.number(math.nan, ".1e") == "-"
    assert terminal.number(0.0312, ".0%") == "3%"
