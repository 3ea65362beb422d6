from __future__ import annotations

from pathlib import Path

import pytest

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.fasta import read_records
from nucel_interp.io.sequences import path_of, records_of
from nucel_interp.types import Location, Record

NAMED = {"chr1:10-18": "ACGTacgt", "chr2:0-4(-)": "TTTA"}


def test_a_path_a_dict_and_records_give_the_same(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in NAMED.items()))
    wanted = read_records(path)
    assert wanted[0].location == Location("chr1", 10, 18, "+")
    assert wanted[0].masked == ((4, 8),)
    assert records_of(path) == wanted
    assert records_of(str(path)) == wanted
    assert records_of(NAMED) == wanted
    assert records_of(wanted) == wanted
    assert path_of(path) == path
    assert path_of(NAMED) is None


def test_sequences_of_a_list_are_numbered():
    assert records_of(["ACGT", "ggcc"]) == [
        Record("sequence_1", "ACGT", masked=()),
        Record("sequence_2", "GGCC", masked=((0, 4),)),
    ]
    assert records_of(text for text in ["acgt"])[0].masked is None, "one case says nothing"


def test_a_name_holds_no_blank():
    assert [r.name for r in records_of({"my first peak": "ACGT"})] == ["my_first_peak"]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([], InputError, "no sequence"),
        ({}, InputError, "no sequence"),
        ([""], InputError, r"record 1 \(sequence_1\) has no sequence"),
        (["MEEPQ"], InputError, "not a DNA letter"),
        ("ACGTACGTAC", InputError, r"put them into a list: \[sequence\]"),
        ("no such file.fa", InputError, "no such file"),
        (b"ACGT", TypeError, "are a bytes"),
        (5, TypeError, "are a int"),
        ([5], TypeError, "of type int"),
        ({"a": 5}, TypeError, "'a' is a int"),
        ({5: "ACGT"}, TypeError, "give strings by their names"),
    ],
)
def test_what_is_no_sequence_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        records_of(given)


def test_sequences_without_a_base_are_warned_of():
    with pytest.warns(NucelWarning, match="the sequences: 1 of 2 records hold no A, C, G or T"):
        records_of(["ACGT", "NNNN"])


def test_a_path_that_is_no_string_is_taken(tmp_path):
    path = tmp_path / "ACGTACGT"
    path.write_text(">a\nACGT\n")
    assert records_of(Path(path)) == [Record("a", "ACGT")]
