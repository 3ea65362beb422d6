"""Which tokens are masked: the share, the shape, and a function of (seed, window) alone."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_model import tokenizer
from nucel_pretrain.batches import Batches
from nucel_pretrain.data import Windows
from nucel_pretrain.masking import STRATEGIES, MaskingConfig, mask_and_noise
from nucel_pretrain.tokens import BaseTokens


def ids(n: int = 6, length: int = 200) -> np.ndarray:
    out = np.random.default_rng(0).integers(tokenizer.A, tokenizer.T + 1, (n, length + 1))
    out[:, 0] = tokenizer.CLS
    return out


def runs(row: np.ndarray) -> list[tuple[int, int]]:
    """Start and length of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), (edges[1::2] - edges[::2]).tolist(), strict=True))


@pytest.mark.parametrize("strategy", ["token", "span"])
@pytest.mark.parametrize(("ratio", "wanted"), [(0.15, 30), (0.5, 100), (0.001, 1)])
def test_the_share_of_each_row(strategy, ratio, wanted):
    config = MaskingConfig(strategy=strategy, ratio=ratio)
    masked, noise = mask_and_noise(ids(), 0, range(6), config)
    assert masked.dtype == bool
    assert masked.sum(axis=1).tolist() == [wanted] * 6
    assert noise.shape == (6 * wanted, 4)
    assert noise.dtype == np.float32
    assert ((noise >= 0) & (noise < 1)).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_sequence_is_masked_and_the_share_counts_sequence(strategy):
    batch = ids()
    batch[0, 1:101] = tokenizer.UNK
    batch[1, 51:] = tokenizer.PAD
    batch[2, 1:] = tokenizer.UNK
    config = MaskingConfig(strategy=strategy, ratio=0.2, length=5)
    masked, noise = mask_and_noise(batch, 0, range(6), config)
    assert not masked[batch < tokenizer.A].any()
    assert masked.sum(axis=1).tolist() == [20, 10, 0, 40, 40, 40]
    assert len(noise) == 150


def test_the_noise_has_one_column_for_each_token_that_may_be_sampled():
    masked, noise = mask_and_noise(ids(), 0, range(6), MaskingConfig(), n_choices=4096)
    assert noise.shape == (masked.sum(), 4096)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_seed_and_window_decide(strategy):
    config = MaskingConfig(strategy=strategy)
    batch = ids(1)
    masked, noise = mask_and_noise(batch, 1, [2], config)
    again = mask_and_noise(batch, 1, [2], config)
    assert np.array_equal(masked, again[0])
    assert np.array_equal(noise, again[1])
    for seed, window in ((1, 3), (2, 2)):
        other = mask_and_noise(batch, seed, [window], config)
        assert not np.array_equal(masked, other[0])
        assert not np.array_equal(noise, other[1])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_batch_a_window_falls_in_does_not_matter(strategy):
    config = MaskingConfig(strategy=strategy)
    batch = ids()
    masked, noise = mask_and_noise(batch, 5, range(10, 16), config)
    order = [3, 0, 5]
    some, some_noise = mask_and_noise(batch[order], 5, [10 + i for i in order], config)
    assert np.array_equal(some, masked[order])
    ends = masked.sum(axis=1).cumsum()
    rows = [noise[end - n : end] for end, n in zip(ends, masked.sum(axis=1), strict=True)]
    assert np.array_equal(some_noise, np.concatenate([rows[i] for i in order]))


def test_every_position_is_masked_alike_token_by_token():
    batch = ids(1000, 20)
    counts = mask_and_noise(batch, 0, range(1000), MaskingConfig(ratio=0.25))[0].sum(axis=0)
    # 250 expected at each base, standard deviation 14
    assert counts[0] == 0
    assert ((counts[1:] > 180) & (counts[1:] < 320)).all()


def test_spans_are_stretches_of_geometric_length():
    config = MaskingConfig(strategy="span", ratio=0.02, length=8)
    masked, _ = mask_and_noise(ids(400, 2000), 0, range(400), config)
    lengths = np.array([n for row in masked for _, n in runs(row)])
    # a geometric of mean 8 whose last draw of a row is cut to what is left; spans that touch merge
    assert 6 < lengths.mean() < 9
    assert lengths.max() > 20
    assert 0.06 < (lengths == 1).mean() < 0.2  # 1/8, more by the cut ones
    single, _ = mask_and_noise(ids(400, 2000), 0, range(400), MaskingConfig(ratio=0.02))
    assert np.mean([n for row in single for _, n in runs(row)]) < 1.1


def test_blocks_are_of_exact_length_and_on_one_grid():
    config = MaskingConfig(strategy="kmer-block", ratio=0.12, length=6)
    masked, _ = mask_and_noise(ids(50, 200), 0, range(50), config)
    offsets = set()
    for row in masked:
        assert row.sum() == 24  # four blocks of six are what is nearest to 0.12 x 200
        starts = {start % 6 for start, _ in runs(row)}
        assert len(starts) == 1
        assert all(length % 6 == 0 for _, length in runs(row))
        offsets |= starts
    assert offsets == set(range(6))  # the grid's phase is drawn anew in every window


def test_a_block_longer_than_the_window_masks_what_there_is():
    config = MaskingConfig(strategy="kmer-block", ratio=0.15, length=50)
    masked, _ = mask_and_noise(ids(2, 20), 0, range(2), config)
    assert masked[:, 1:].all()
    assert not masked[:, 0].any()


def test_batches_draw_the_same_windows_and_masks_however_a_step_is_shared(tiny_config):
    config = tiny_config(data={"batch": 8}).data
    bases = np.random.default_rng(1).integers(tokenizer.A, tokenizer.T + 1, 900)
    windows = Windows({"chr1": bases.astype(np.uint8)}, config)
    batches = Batches(windows, BaseTokens(), MaskingConfig(), seed=3)
    (whole,) = next(batches.steps(2, 3))
    shares = [
        part
        for rank in range(2)
        for part in next(batches.steps(2, 3, rank=rank, processes=2, parts=2))
    ]
    assert [len(part.input_ids) for part in shares] == [2, 2, 2, 2]
    for field in ("input_ids", "masked", "noise"):
        together = np.concatenate([getattr(part, field).numpy() for part in shares])
        assert np.array_equal(together, getattr(whole, field).numpy()), field


def test_batches_begin_and_end_where_they_are_told(tiny_config):
    bases = np.random.default_rng(1).integers(tokenizer.A, tokenizer.T + 1, 900)
    windows = Windows({"chr1": bases.astype(np.uint8)}, tiny_config().data)
    batches = Batches(windows, BaseTokens(), MaskingConfig(), seed=3)
    got = [part.input_ids for (part,) in batches.steps(2, 5)]
    assert len(got) == 3
    for step, part in enumerate(got, start=2):
        assert part.equal(batches(range(step * 4, step * 4 + 4)).input_ids)
    assert list(batches.steps(5, 5)) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ratio": 0.0}, r"masking\.ratio must lie between 0 and 1; got 0"),
        ({"ratio": 1.0}, r"masking\.ratio"),
        ({"strategy": "word"}, r"masking\.strategy must be one of token, span, kmer-block"),
        ({"length": 0}, r"masking\.length must be at least 1"),
    ],
)
def test_values_that_make_no_sense(values, words):
    with pytest.raises(ValueError, match=words):
        MaskingConfig(**values)
