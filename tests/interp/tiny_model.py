"""A model of random weights, sharpened so that what stands at one base tells at another."""

from __future__ import annotations

import random

import numpy as np
import torch

from nucel_interp.types import BASES
from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, tokenizer
from nucel_model.heads import ReplacedTokenHead


def dna(length: int, seed: int = 0) -> str:
    """Random bases."""
    return "".join(random.Random(seed).choices(BASES, k=length))


def tiny(context: int = 64, head: bool = True) -> Nucel:
    """Two layers; the same weights every time."""
    torch.manual_seed(0)
    config = NucelConfig(
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=16,
        layer_types=every_third_global(2),
        local_attention=8,
        max_position_embeddings=context + 1,
    )
    encoder = NucelEncoder(config)
    encoder.init_weights(0)
    with torch.no_grad():
        for p in encoder.parameters():
            p.mul_(4)
    model = Nucel(encoder, ReplacedTokenHead(config) if head else None)
    if model.discriminator_head is not None:
        with torch.no_grad():
            model.discriminator_head.discriminator_predictions.weight.normal_()
    return model.eval()


def logits(model: Nucel, sequence: str) -> np.ndarray:
    """Log-odds of every base of one sequence, on its strand."""
    ids, mask = tokenizer.batch([tokenizer.encode(sequence)])
    with torch.inference_mode():
        return model.replaced_logit(model(ids, mask).last_hidden_state)[0].numpy()
