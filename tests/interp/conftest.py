"""Shared by the tests of nucel_interp: a tiny random model on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

# the models here are too small to share among threads, which would only wait for each other
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer model with random weights and a discriminator head, as a folder."""
    from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, save_pretrained
    from nucel_model.heads import ReplacedTokenHead

    torch.manual_seed(0)
    config = NucelConfig(
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=16,
        layer_types=every_third_global(2),
        max_position_embeddings=257,
    )
    model = Nucel(NucelEncoder(config), ReplacedTokenHead(config))
    return save_pretrained(model, tmp_path_factory.mktemp("models") / "tiny")
