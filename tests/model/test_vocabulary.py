"""A vocabulary beside the weights must be the one that sequences are read with."""

from __future__ import annotations

import json
from itertools import product

import pytest

from nucel_model import (
    FolderError,
    NTConfig,
    Nucel,
    NucelEncoder,
    NucleotideTransformer,
    from_pretrained,
    save_pretrained,
)

NUCEL = {
    "[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "[BOS]": 5, "[EOS]": 6,
    "A": 11, "C": 12, "G": 13, "T": 14, **{f"[RESERVED_{i}]": 15 + i for i in range(16)},
}  # fmt: skip
"""As the published tokenizer writes it: with a hole, and beyond the table's 27 rows."""
OWN_SLOTS = NUCEL | {"A": 7, "C": 8, "G": 9, "T": 10, "N": 11}
OTHER_ORDER = NUCEL | {"A": 11, "T": 12, "C": 13, "G": 14}


def six_base_words(letters: str, version: str) -> list[str]:
    special = ["<unk>", "<pad>", "<mask>", "<cls>"] + (
        ["<eos>", "<bos>"] if version == "v2" else []
    )
    words = ["".join(w) for w in product(letters, repeat=6)]
    behind = ["<eos>", "<bos>"] if version == "v1" else []  # outside the table, as published
    return [*special, *words, *letters, "N", *behind]


def tokenizer_json(vocabulary, added=()):
    return {"version": "1.0", "added_tokens": list(added), "model": {"vocab": vocabulary}}


@pytest.fixture
def nucel(tiny, tmp_path):
    return save_pretrained(Nucel(NucelEncoder(tiny)), tmp_path / "nucel")


@pytest.fixture(params=["v1", "v2"])
def transformer(request, tmp_path):
    config = NTConfig(
        version=request.param, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=40,
    )  # fmt: skip
    return save_pretrained(Nucel(NucleotideTransformer(config)), tmp_path / request.param)


def write(folder, name, content):
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocab.json", NUCEL),
        ("vocab.json", {k.replace("[", "<").replace("]", ">"): v for k, v in NUCEL.items()}),
        ("vocab.json", {"A": 11, "C": 12, "G": 13, "T": 14}),
        ("vocab.json", NUCEL | {"N": 1}),
        ("tokenizer.json", tokenizer_json(NUCEL)),
        (
            "tokenizer.json",
            tokenizer_json({"A": 11, "C": 12, "G": 13, "T": 14}, [{"id": 2, "content": "[CLS]"}]),
        ),
    ],
)
def test_the_published_vocabulary_loads(nucel, name, content):
    write(nucel, name, content)
    assert from_pretrained(nucel).path == nucel


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("vocab.json", OWN_SLOTS, r"vocab\.json says A = 7, read here is 11"),
        ("vocab.json", OTHER_ORDER, r"vocab\.json says C = 13, read here is 12"),
        ("tokenizer.json", tokenizer_json(OTHER_ORDER), r"tokenizer\.json says C = 13"),
        ("tokenizer.json", tokenizer_json([[t, 0.0] for t in NUCEL]), "says A = 7"),
        ("vocab.txt", "\n".join(NUCEL), r"vocab\.txt says A = 7"),
        ("vocab.json", NUCEL | {"[CLS]": 1, "[UNK]": 2}, "says UNK = 2, read here is 1"),
        ("vocab.json", NUCEL | {"N": 15}, "says N = 15, read here is 1"),
        ("vocab.json", {k: v for k, v in NUCEL.items() if k != "G"}, "has no token G"),
        ("vocab.json", {k.lower(): v for k, v in NUCEL.items()}, "has no token A"),
        ("vocab.json", NUCEL | {"A": "11"}, "says A = 11"),
        ("vocab.json", NUCEL | {"A": True}, "says A = True"),
        (
            "tokenizer.json",
            tokenizer_json(NUCEL, [{"id": 3, "content": "[CLS]"}]),
            "says CLS = 3, read here is 2",
        ),
        ("tokenizer.json", {"model": 5}, "holds no vocabulary"),
        ("vocab.json", [1], "is not a JSON object"),
        ("vocab.json", "{", "is not JSON"),
    ],
)
def test_another_vocabulary_is_refused_with_the_first_difference(nucel, name, content, words):
    write(nucel, name, content)
    with pytest.raises(FolderError, match=words) as caught:
        from_pretrained(nucel)
    assert "\n" not in str(caught.value)


def test_the_published_words_load(transformer):
    words = six_base_words("ATCG", transformer.name)
    for end in ("\n", "\r\n"):
        write(transformer, "vocab.txt", end.join(words) + end)
        assert from_pretrained(transformer).path == transformer


@pytest.mark.parametrize("letters", ["ACGT", "ATGC"])
def test_words_of_another_order_are_refused(transformer, letters):
    write(transformer, "vocab.txt", "\n".join(six_base_words(letters, transformer.name)) + "\n")
    with pytest.raises(FolderError, match=r"vocab\.txt says A{4,5}. = \d+, read here is \d+"):
        from_pretrained(transformer)


def test_one_word_elsewhere_is_found(transformer):
    words = six_base_words("ATCG", transformer.name)
    i, j = words.index("GATTAC"), words.index("TTTTTT")
    words[i], words[j] = words[j], words[i]
    write(transformer, "vocab.txt", "\n".join(words) + "\n")
    with pytest.raises(FolderError, match="TTTTTT = "):
        from_pretrained(transformer)


def test_words_of_the_other_version_are_refused(transformer):
    other = "v2" if transformer.name == "v1" else "v1"
    write(transformer, "vocab.txt", "\n".join(six_base_words("ATCG", other)) + "\n")
    with pytest.raises(FolderError, match="AAAAAA = "):
        from_pretrained(transformer)


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("key", "value"),
    [("cls_token_id", 1), ("pad_token_id", 3), ("mask_token_id", 0), ("unknown_token_id", 0)],
)
def test_special_tokens_of_another_number_are_refused(nucel, key, value):
    change(nucel, **{key: value})
    with pytest.raises(FolderError, match=rf"config\.json says {key} = {value}, read here is"):
        from_pretrained(nucel)


def test_what_transformers_says_by_default_is_no_statement(nucel):
    change(nucel, pad_token_id=50283, cls_token_id=50281, sep_token_id=50282, mask_token_id=None)
    assert from_pretrained(nucel).path == nucel


def test_special_tokens_of_six_base_words_are_compared_too(transformer):
    change(transformer, mask_token_id=4)
    with pytest.raises(FolderError, match="mask_token_id = 4, read here is 2"):
        from_pretrained(transformer)
