"""Motif files as plain values, the same for both packages that read them."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_genome import GenomeError
from nucel_genome.meme import parse_meme
from nucel_interp.io.meme import read_meme
from nucel_pretrain.motif_order.matrices import read_matrices

TEXT = """MEME version 4

ALPHABET= ACGT

MOTIF M1 one
letter-probability matrix: alength= 4 w= 2 nsites= 7 E= 0
0.97 0.01 0.01 0.00
0 0 0 1

MOTIF M2
letter-probability matrix:
0.25 0.25 0.25 0.25
"""


def test_values_are_as_written_and_rows_sum_to_one():
    first, second = parse_meme(TEXT, "x")
    assert (first.id, first.name, first.n_sites) == ("M1", "one", 7)
    assert (second.id, second.name, second.n_sites) == ("M2", "", 20)
    np.testing.assert_allclose(
        first.columns, [[0.97 / 0.99, 0.01 / 0.99, 0.01 / 0.99, 0], [0, 0, 0, 1]]
    )
    assert second.columns.shape == (1, 4)


def test_both_packages_read_a_file_alike(tmp_path):
    path = tmp_path / "two.meme"
    path.write_text(TEXT)
    above, beside = read_meme(path), read_matrices(path)
    assert [m.id for m in above] == [m.id for m in beside] == ["M1", "M2"]
    assert [m.name for m in beside] == ["one", "M2"]
    for one, other in zip(above, beside, strict=True):
        np.testing.assert_array_equal(one.pwm, other.columns.T)
    path.write_text(TEXT.replace("0 0 0 1", "0 0 0 9"))
    said = []
    for read in (read_meme, read_matrices):
        with pytest.raises(Exception, match=r"line 8: motif M1: .* it sums to 9") as caught:
            read(path)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_what_is_no_motif_file_is_called_by_its_name():
    with pytest.raises(GenomeError, match="my file is not a MEME motif file"):
        parse_meme(">a\nACGT\n", "my file")
