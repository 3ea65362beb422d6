"""Small models and batches that several files of tests/model use."""

from __future__ import annotations

import os

import pytest
import torch

if not torch.cuda.is_available():  # Triton decides when it is imported whether it interprets
    os.environ["TRITON_INTERPRET"] = "1"

from nucel_model import NucelConfig, every_third_global, tokenizer


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Models this small gain nothing from more; on a busy machine threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def tiny() -> NucelConfig:
    """Four layers (global, local, local, global), two heads, 32 wide."""
    return NucelConfig(
        hidden_size=32,
        num_attention_heads=2,
        intermediate_size=48,
        layer_types=every_third_global(4),
        max_position_embeddings=2048,
    )


@pytest.fixture
def random_batch():
    """Makes ids and mask: [CLS], random bases with some N, each row of its own length in tokens."""

    def make(*lengths: int, unknown: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(lengths)
        ids = torch.randint(tokenizer.A, tokenizer.T + 1, (len(lengths), longest))
        if unknown:
            ids[torch.rand(ids.shape) < 0.05] = tokenizer.UNK
        ids[:, 0] = tokenizer.CLS
        mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
        return ids.masked_fill(~mask, tokenizer.PAD), mask

    return make
