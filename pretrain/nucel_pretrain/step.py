"""One training step: batches in, an update and its metrics out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from nucel_pretrain.distributed import World, alone
from nucel_pretrain.errors import NonFiniteError
from nucel_pretrain.objectives import Batch, ElectraConfig, losses

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": None}
"""What matrix products are computed in; weights, optimiser and losses stay fp32."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context a forward pass of that precision runs in."""
    dtype = AUTOCAST[precision]
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)


def make_scaler(device: torch.device, precision: str) -> torch.amp.GradScaler:
    """Loss scaling, which fp16 needs and nothing else does."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[Batch],
    *,
    electra: ElectraConfig,
    clip: float,
    learning_rate: float,
    precision: str = "fp32",
    scaler: torch.amp.GradScaler | None = None,
    world: World | None = None,
) -> dict[str, float]:
    """Forward and backward over this process's batches, clip, check, update.

    The losses are means over all tokens of the step: the same numbers however the step's windows
    are cut into batches and processes. In fp16 a gradient too large for the loss scale halves the
    scale and skips the update, which ``skipped`` counts.

    Raises:
        NonFiniteError: The loss or the gradient norm is not finite; nothing was updated.
    """
    world = world or alone(batches[0].input_ids.device)
    scaler = scaler or make_scaler(world.device, precision)
    sums = [b.totals() for b in batches]
    masked_total, scored_total = world.sum([sum(s[0] for s in sums), sum(s[1] for s in sums)])
    optimizer.zero_grad(set_to_none=True)
    seen: dict[str, float] = {}
    for i, batch in enumerate(batches):
        with world.accumulating(model, last=i == len(batches) - 1):
            with autocast(world.device, precision):
                loss, parts, _ = losses(
                    model, batch.to(world.device), electra, (masked_total, scored_total)
                )
            # several processes' gradients are averaged, and these are parts of one sum
            scaler.scale(loss * world.size).backward()
        share = 1 / (len(batches) * world.size)
        for name, value in {"loss": loss.detach(), **parts}.items():
            weight = share if name.endswith("accuracy") else 1.0
            seen[name] = seen.get(name, 0.0) + weight * value.item()
    metrics = dict(zip(seen, world.sum(list(seen.values())), strict=True))
    scaler.unscale_(optimizer)
    norm = world.value(nn.utils.clip_grad_norm_(model.parameters(), clip))
    finite_loss = metrics["loss"] == metrics["loss"] and abs(metrics["loss"]) != float("inf")
    too_large = not (norm == norm and norm != float("inf"))
    if not finite_loss or (too_large and not scaler.is_enabled()):
        raise NonFiniteError(f"loss {metrics['loss']}, gradient norm {norm}")
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    scaler.step(optimizer)
    scaler.update()
    metrics |= {"gradient_norm": norm, "learning_rate": learning_rate}
    if scaler.is_enabled():
        metrics["skipped"] = float(too_large)
        if scaler.get_scale() < 2.0**-14:
            raise NonFiniteError(f"loss {metrics['loss']}, gradient norm {norm} at any loss scale")
    return metrics
