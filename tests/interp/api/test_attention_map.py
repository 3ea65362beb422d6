"""`attention_map`, as users call it; its files are those of `attention --map`."""

from __future__ import annotations

import numpy as np
import pytest

import nucel_interp as ni
from tests.interp.api.same_files import contents, nucel
from tests.toy import dna, fasta_of

TEXTS = {"a": dna(20, 1), "b": dna(12, 2)[:6] + "N" + dna(5, 3)}


def test_figures_are_those_of_the_command(tmp_path, tiny_folder):
    path = fasta_of(tmp_path / "in.fa", TEXTS)
    call = ["attention", path, "-m", tiny_folder, "--map", "0:1", "--map", "1:0"]
    nucel(*call, "-o", tmp_path / "by-command")
    ni.attention_map(path, ["0:1", "1:0"], tiny_folder).save(tmp_path / "in-python")
    found = contents(tmp_path / "in-python" / "figures")
    assert found == contents(tmp_path / "by-command" / "figures")
    assert len(found) == 2 * 2 * 4  # records, heads, forms


def test_maps_are_of_the_forward_strand_with_cls_first(tiny_folder):
    result = ni.attention_map(TEXTS, ["0:1", (1, 0)], tiny_folder)
    assert list(result["a"]) == [(0, 1), (1, 0)]
    assert result["a"][0, 1].shape == (20, 21)
    assert np.isnan(result["b"][1, 0][6]).all()
    model = ni.from_pretrained(tiny_folder)
    ids, mask = model.tokens([TEXTS["a"]])
    whole = model(ids, mask, output_attentions=True).attentions[0][0, 1].detach().numpy()
    np.testing.assert_allclose(result["a"][0, 1], whole[1:], atol=1e-6)
    assert list(result.tables["maps"]["record"]) == ["a", "a", "b", "b"]
    with pytest.raises(ni.InputError, match="has layers 0 to 1"):
        ni.attention_map(TEXTS, ["2:0"], tiny_folder)
    with pytest.raises(ni.InputError, match="more than 40"):
        ni.attention_map([dna(10, i) for i in range(41)], ["0:0"], tiny_folder)


@pytest.mark.parametrize("heads", ["1:0", (1, 0), [(1, 0)], [np.array([1, 0])], iter(["1:0"])])
def test_one_head_may_stand_alone(tiny_folder, heads):
    assert list(ni.attention_map(TEXTS, heads, tiny_folder)["a"]) == [(1, 0)]


@pytest.mark.parametrize(
    ("heads", "words"),
    [([], "no head was given"), (["1"], "LAYER:HEAD"), ([3], "LAYER:HEAD"), ([(-1, 0)], "from 0")],
)
def test_heads_that_are_none_are_told(tiny_folder, heads, words):
    with pytest.raises(ni.InputError, match=words):
        ni.attention_map(TEXTS, heads, tiny_folder)


def test_the_command_says_how_to_draw_fewer_maps_and_leaves_nothing(tmp_path, tiny_folder):
    path = fasta_of(tmp_path / "in.fa", {f"s{i}": dna(30, i) for i in range(41)})
    call = ["attention", path, "-m", tiny_folder, "--map", "0:1", "--map", "1:1"]
    said = nucel(*call, "-o", tmp_path / "o", code=1)
    assert "2 heads x 41 records are 82 maps, more than 40" in said
    assert "such as the first 20 (head -40 peaks.fa" in said
    assert list(tmp_path.iterdir()) == [path]
