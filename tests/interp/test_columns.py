from __future__ import annotations

import re

import pytest

from nucel_interp import columns, types
from nucel_interp.columns.base import interval


@pytest.mark.parametrize("command", columns.TABLES)
def test_every_column_has_a_meaning_in_words(command):
    assert columns.TABLES[command]
    for file, table in columns.TABLES[command].items():
        assert re.fullmatch(r"\w+\.(tsv|bed)", file)
        assert table, file
        for name, (meaning, unit) in table.items():
            assert len(meaning) > 4, (file, name)
            assert not meaning.endswith("."), (file, name)
            assert unit == unit.strip()


def test_the_lists_of_the_code_are_those_described():
    lists = [name for name in vars(types) if name.endswith("_COLUMNS")]
    assert len(lists) > 20
    tables = [list(t) for files in columns.TABLES.values() for t in files.values()]
    for name in lists:
        wanted = getattr(types, name)
        assert any(set(wanted) <= set(table) for table in tables), name


def test_an_interval_has_two_ends_in_the_unit_of_its_column():
    assert interval("auroc", "0..1") == {
        "auroc_low": ("lower end of the 95 % interval of `auroc`", "0..1"),
        "auroc_high": ("upper end of the 95 % interval of `auroc`", "0..1"),
    }


def test_one_column_is_looked_up_also_by_how_its_name_begins():
    assert columns.meaning("motifs", "motifs.tsv", "width") == ("columns of the matrix", "bp")
    found = columns.meaning("variants", "variants.tsv", "change_yes")
    assert found is not None
    assert "predicts for that label" in found[0]
    assert columns.meaning("motifs", "motifs.tsv", "no such column") is None
    assert columns.meaning("no such command", "motifs.tsv", "width") is None
