"""Floating-point operations of a training step, counted as it runs."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from nucel_pretrain.batches import Batches
from nucel_pretrain.config import PretrainConfig
from nucel_pretrain.objectives import losses
from nucel_pretrain.tokens import Tokens
from nucel_pretrain.train import build_model
from nucel_pretrain.warm_start import Encoders


def step_cost(
    config: PretrainConfig, batches: Batches, tokens: Tokens, encoders: Encoders | None = None
) -> tuple[float, float]:
    """What one step costs and how many tokens it reads.

    Counts every matrix product of forward and backward, attention's included (2 x multiply-adds;
    torch's own counter); what is done element by element and by the optimiser is not counted.
    Averaged over two batches, since byte-pair words differ in length. ``encoders`` are as
    `build_model`'s.

    Returns:
        FLOPs and sequence tokens per step.
    """
    model = build_model(config, tokens, torch.device("cpu"), encoders)
    flops = n_tokens = 0.0
    repeats = 2
    for i in range(repeats):
        batch = batches(range(i * batches.size, (i + 1) * batches.size))
        with FlopCounterMode(display=False) as counter:
            loss, _, _ = losses(model, batch, config.electra)
            loss.backward()
        flops += counter.get_total_flops() / repeats
        n_tokens += batch.totals()[1] / repeats
    return flops, n_tokens
