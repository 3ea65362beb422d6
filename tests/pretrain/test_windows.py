"""FASTA to windows: what is drawn, what is never drawn, and bad sequence in one line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from nucel_model import tokenizer
from nucel_pretrain.data import DataConfig, DataError, Windows, read_chromosomes

N_DRAWN = 20_000


def random_ids(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(tokenizer.BASE_IDS, length).astype(np.uint8)


def bases_drawn(windows: Windows) -> dict[str, np.ndarray]:
    """How often each position was part of a window, by chromosome, from `place`."""
    counts = {name: np.zeros(10_000, dtype=int) for name in windows.names}
    for index in range(N_DRAWN):
        name, start, _ = windows.place(7, index)
        counts[name][start : start + windows.config.window] += 1
    return counts


def test_a_window_is_cls_and_the_bases_at_its_place():
    ids = random_ids(500)
    windows = Windows({"c": ids}, DataConfig(window=20, batch=2))
    batch = windows.batch(3, range(200))
    assert batch.shape == (200, 21)
    assert (batch[:, 0] == tokenizer.CLS).all()
    flips = 0
    for index, row in enumerate(batch):
        _, start, flip = windows.place(3, index)
        forward = ids[start : start + 20]
        # A <-> T and C <-> G: the ids 11 .. 14 of a pair add up to 25
        assert row[1:].tolist() == ((25 - forward)[::-1] if flip else forward).tolist()
        flips += flip
    assert 70 < flips < 130


def test_without_reverse_complement_every_window_is_forward():
    windows = Windows({"c": random_ids(500)}, DataConfig(window=20, reverse_complement=False))
    assert not any(windows.place(0, i)[2] for i in range(200))


def test_seed_and_index_decide_the_window():
    chromosomes = {"a": random_ids(5000), "b": random_ids(3000, 1)}
    one, two = (Windows(chromosomes, DataConfig(window=50)) for _ in range(2))
    assert one.batch(5, range(40)).tolist() == two.batch(5, range(40)).tolist()
    assert one.batch(5, [17])[0].tolist() == one.batch(5, range(40))[17].tolist()
    assert one.batch(5, range(40)).tolist() != one.batch(6, range(40)).tolist()
    assert len({one.place(5, i) for i in range(40)}) > 35


def test_every_start_is_drawn_alike():
    chromosomes = {"a": random_ids(19), "b": random_ids(14, 1), "short": random_ids(9, 2)}
    windows = Windows(chromosomes, DataConfig(window=10))
    assert windows.n_starts == 10 + 5
    assert windows.usable_bases == 19 + 14
    drawn = [windows.place(0, i)[:2] for i in range(15_000)]
    counts = {place: drawn.count(place) for place in set(drawn)}
    assert set(counts) == {("a", i) for i in range(10)} | {("b", i) for i in range(5)}
    # 1000 expected, standard deviation 31
    assert all(850 < count < 1150 for count in counts.values())


def test_n_is_never_in_a_window():
    ids = random_ids(2000)
    ids[[0, 300, 301, 1500, 1999]] = tokenizer.UNK
    windows = Windows({"c": ids}, DataConfig(window=100))
    assert tokenizer.UNK not in windows.batch(0, range(N_DRAWN))
    counts = bases_drawn(windows)["c"]
    assert counts[1] > 0
    assert counts[299] > 0
    assert counts[302] > 0


def test_excluded_and_validation_regions_are_never_trained_on():
    # sentinel: outside the regions all is A or T, inside all is C or G
    ids = np.where(np.arange(4000) % 2, tokenizer.A, tokenizer.T).astype(np.uint8)
    inside = np.zeros(4000, dtype=bool)
    inside[1000:1500] = inside[2500:2600] = inside[3990:] = True
    ids[inside] = np.where(np.arange(4000) % 2, tokenizer.C, tokenizer.G)[inside]
    config = DataConfig(
        window=100,
        exclude=("chr1:1,000-1_500", "chr1:3990-9999"),
        validation=("chr1:2500-2600",),
    )
    chromosomes = {"chr1": ids, "chr2": ids[:1000]}
    windows = Windows(chromosomes, config)
    drawn = windows.batch(0, range(N_DRAWN))[:, 1:]
    assert np.isin(drawn, (tokenizer.A, tokenizer.T)).all()
    counts = bases_drawn(windows)["chr1"]
    # half-open: the bases just outside are used
    assert (counts[[999, 1500, 2499, 2600, 3989]] > 0).all()
    assert windows.usable_bases == 1000 + 1000 + 1390 + 1000

    held = Windows(chromosomes, config, validation=True)
    assert held.usable_bases == 100
    assert np.isin(held.batch(0, range(50))[:, 1:], (tokenizer.C, tokenizer.G)).all()


def test_validation_leaves_out_what_is_excluded():
    config = DataConfig(window=100, exclude=("c:500-1000",), validation=("c:400-700",))
    held = Windows({"c": random_ids(2000)}, config, validation=True)
    assert {held.place(0, i)[1] for i in range(20)} == {400}


def test_no_usable_window():
    ids = random_ids(1000)
    ids[::50] = tokenizer.UNK
    with pytest.raises(DataError, match=r"no stretch of 50 bases without N is left to train on"):
        Windows({"c": ids}, DataConfig(window=50))
    assert Windows({"c": ids}, DataConfig(window=49)).n_starts == 20
    with pytest.raises(DataError, match="left to validate on"):
        Windows(
            {"c": random_ids(1000)}, DataConfig(window=50, validation=("c:0-20",)), validation=True
        )


@pytest.mark.parametrize("where", ["exclude", "validation"])
def test_a_region_of_an_unknown_chromosome_hints_at_chr(where):
    config = DataConfig(window=50, **{where: ("20:100-200",)})
    with pytest.raises(DataError, match=r"region of 20, .* it has chr20, chrX.*'chr' missing"):
        Windows({"chr20": random_ids(1000), "chrX": random_ids(1000)}, config)


def test_a_region_beyond_the_chromosome_hints_at_the_assembly():
    config = DataConfig(window=50, exclude=("c:1000-1200",))
    with pytest.raises(DataError, match=r"c has 1000 bases. Is it of another assembly"):
        Windows({"c": random_ids(1000)}, config)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"window": 7}, "data.window must be >= 8"),
        ({"batch": 0}, "data.batch >= 1; got 256, 0"),
        ({"exclude": ("chr20:",)}, "want chrom:start-end"),
        ({"include": ("chr20 1 100",)}, "want chrom:start-end"),
        ({"repeat_weight": -0.1}, "data.repeat_weight must lie in 0 .. 1; got -0.1"),
        ({"validation": ("chr20:1-",)}, "want chrom:start-end"),
        ({"exclude": ("chr20:500-100",)}, "'chr20:500-100' is empty"),
    ],
)
def test_values_that_make_no_sense(values, words):
    with pytest.raises(ValueError, match=words):
        DataConfig(**values)


def test_fasta_is_read_plain_or_gzip(tmp_path):
    text = ">chr1 first\nACGT\nacgtn\n\n>chr2\nTT\n"
    (tmp_path / "a.fa").write_text(text)
    (tmp_path / "b.fa.gz").write_bytes(gzip.compress(text.replace("chr", "alt").encode()))
    got = read_chromosomes([tmp_path / "a.fa", tmp_path / "b.fa.gz"])
    assert {name: tokenizer.decode(ids) for name, ids in got.items()} == {
        "chr1": "ACGTACGTN",
        "chr2": "TT",
        "alt1": "ACGTACGTN",
        "alt2": "TT",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read .*in.fa"),
        (b"", "no sequence in it"),
        (b"ACGT\n", "cannot read .* as FASTA"),
        (b">a\nACGT\n>a again\nACGT\n", "repeats the sequence name a"),
        (bytes(range(256)) * 4, "cannot read .* as FASTA"),
        (gzip.compress(b">a\n" + b"ACGT" * 5000)[:-20], "cannot read .* as FASTA"),
    ],
    ids=["missing", "empty", "no header", "duplicate", "binary", "gzip cut short"],
)
def test_bad_fasta_in_one_line(tmp_path, content, words):
    path = tmp_path / "in.fa"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_chromosomes([path])
    assert "\n" not in str(caught.value)


def test_no_fasta_names_the_option():
    with pytest.raises(DataError, match=r"data\.fasta or pass --fasta"):
        read_chromosomes([])
