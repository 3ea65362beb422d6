"""Which bases are masked: the share asked for, bases only, a function of (seed, step)."""

from __future__ import annotations

import pytest
import torch

from nucel_model import tokenizer
from nucel_pretrain.masking import mask_and_noise


def ids(n: int = 6, length: int = 200) -> torch.Tensor:
    out = torch.randint(tokenizer.A, tokenizer.T + 1, (n, length + 1))
    out[:, 0] = tokenizer.CLS
    return out


@pytest.mark.parametrize(("ratio", "wanted"), [(0.15, 30), (0.5, 100), (0.001, 1)])
def test_the_share_of_each_row(ratio, wanted):
    masked, noise = mask_and_noise(ids(), ratio, seed=0, step=0)
    assert masked.dtype == torch.bool
    assert masked.sum(dim=1).tolist() == [wanted] * 6
    assert noise.shape == (6 * wanted, 4)
    assert ((noise >= 0) & (noise < 1)).all()


def test_only_bases_are_masked_and_the_share_counts_bases():
    batch = ids()
    batch[0, 1:101] = tokenizer.UNK
    batch[1, 51:] = tokenizer.PAD
    batch[2, 1:] = tokenizer.UNK
    masked, _ = mask_and_noise(batch, 0.2, seed=0, step=0)
    assert not masked[~tokenizer.is_base(batch)].any()
    assert masked.sum(dim=1).tolist() == [20, 10, 0, 40, 40, 40]


def test_seed_and_step_decide():
    batch = ids()
    first = mask_and_noise(batch, 0.15, seed=1, step=2)
    again = mask_and_noise(batch, 0.15, seed=1, step=2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for seed, step in ((1, 3), (2, 2)):
        other = mask_and_noise(batch, 0.15, seed=seed, step=step)
        assert not torch.equal(first[0], other[0])
        assert not torch.equal(first[1], other[1])


def test_every_position_is_masked_alike():
    batch = ids(4, 20)
    counts = sum(mask_and_noise(batch, 0.25, 0, step)[0].int() for step in range(1000))
    # 250 expected at each base, standard deviation 14
    assert (counts[:, 0] == 0).all()
    assert ((counts[:, 1:] > 180) & (counts[:, 1:] < 320)).all()
