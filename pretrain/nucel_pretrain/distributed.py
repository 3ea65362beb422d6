"""One process or many: who we are, and sums over all of us.

Started by ``torchrun``, which sets RANK, WORLD_SIZE and LOCAL_RANK; without it there is one
process. Gradients are averaged by torch's own DistributedDataParallel or, where weights and
optimiser should be split over the processes, FSDP2's ``fully_shard``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from nucel_model.encoder import Block

PARALLEL = ("ddp", "fsdp")


@dataclass(frozen=True)
class World:
    """This process among all."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """The one process that talks and writes what is written once."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait for everyone."""
        if self.size > 1:
            dist.barrier()

    def sum(self, values: list[float]) -> list[float]:
        """Element-wise sum over all processes, fp64."""
        if self.size == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def same(self, value: bool) -> bool:
        """The main process's answer, everywhere: clocks differ, and all must act alike."""
        return bool(self.sum([float(value and self.is_main)])[0])

    def value(self, scalar: Tensor) -> float:
        """A scalar that may be spread over the processes."""
        return float((scalar.full_tensor() if isinstance(scalar, DTensor) else scalar).item())

    @contextmanager
    def accumulating(self, model: nn.Module, *, last: bool) -> Iterator[None]:
        """Exchange gradients only after the step's last batch."""
        if isinstance(model, FSDPModule):
            model.set_requires_gradient_sync(last)
        if isinstance(model, DistributedDataParallel) and not last:
            with model.no_sync():
                yield
        else:
            yield


def alone(device: torch.device) -> World:
    """One process."""
    return World(rank=0, size=1, device=device)


@contextmanager
def joined(device: str = "") -> Iterator[World]:
    """Join the other processes if ``torchrun`` started us, and leave them at the end.

    Args:
        device: cpu or cuda; empty = cuda where there is one.
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield alone(torch.device(kind))
        return
    if kind == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        here = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    else:
        here = torch.device("cpu")
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield World(rank=dist.get_rank(), size=dist.get_world_size(), device=here)
    finally:
        dist.destroy_process_group()


def spread(model: nn.Module, parallel: str, world: World) -> nn.Module:
    """Wrap a model on its device for several processes; one process gets it back as it is."""
    if world.size == 1:
        return model
    if parallel == "ddp":
        return DistributedDataParallel(
            model, device_ids=[world.device] if world.device.type == "cuda" else None
        )
    for module in model.modules():
        if isinstance(module, Block):
            fully_shard(module)
    fully_shard(model)
    return model
