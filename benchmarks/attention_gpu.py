"""The profile on a GPU: beside a flash forward, and a whole BAC in one piece.

    python -m benchmarks.attention_gpu

The paper's shape in bf16, random weights, random sequence. Milliseconds are the median of passes
after a warm-up that compiles the kernels, by the clock and by the GPU's own count: one short
sequence does not fill a GPU, which then waits for a CPU to launch kernels. Memory is what torch had
allocated at most, over the weights. Then the profile in fp32 and bf16 against the
definition in fp64. Without a GPU it says so and ends.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity
from torch.profiler import profile as profile_gpu

from benchmarks.attention import paper_shape, random_ids, reduced
from nucel_model import NucelConfig, NucelEncoder
from nucel_model.backends import choose_backend
from nucel_model.profile_gpu import available

SHAPES = ((1, 2_000), (16, 2_000), (1, 8_000), (4, 8_000), (1, 32_000), (1, 128_000), (64, 500))
PASSES_S = 3.0


def main() -> None:
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return
    device = torch.device("cuda")
    config = dataclasses.replace(paper_shape(), max_position_embeddings=128_001)
    model = NucelEncoder(config).eval().to(device, torch.bfloat16)
    print(f"{torch.cuda.get_device_name()}; torch {torch.__version__}")
    print(f"forward: {': '.join(choose_backend(device, torch.bfloat16))}")
    print(f"profile: {available(device)[1]}\n")
    print(
        "| sequences x bases | forward, ms | profile, ms | profile : forward | the GPU's own time "
        "| profile, MB |"
    )
    print("|---|---|---|---|---|---|")
    for n, length in SHAPES:
        ids = random_ids(length).repeat(n, 1).to(device)
        forward, profile = measure(model, ids), measure(model.profile, ids)
        print(
            f"| {n} x {length:,} | {forward.clock:.1f} | {profile.clock:.1f} "
            f"| {profile.clock / forward.clock:.2f} | {profile.busy / forward.busy:.2f} "
            f"| {profile.megabytes:,.0f} |",
            flush=True,
        )
    accuracy(config, device)


@torch.inference_mode()
def accuracy(config: NucelConfig, device: torch.device) -> None:
    """The largest differences from the definition at 1,000 bases, and how heads are ranked."""
    ids = random_ids(1_000)
    model = NucelEncoder(config).eval()
    maps = model.double()(ids, output_attentions=True).attentions
    assert maps is not None
    wanted = [torch.stack(x) for x in zip(*reduced(list(maps), config), strict=True)]
    print()
    for dtype in (torch.float32, torch.bfloat16):
        got = model.to(device, dtype).profile(ids.to(device))
        for name, theirs in zip(("received", "entropy", "cls_share"), wanted, strict=True):
            mine = getattr(got, name)[0].double().cpu()
            worst = ((mine - theirs).abs() / theirs.abs().clamp(min=1)).max().item()
            print(f"{name}, {dtype}: largest difference from fp64 over max(1, value) {worst:.1e}")


class Cost(NamedTuple):
    """Of a pass: milliseconds by the clock, those in which the GPU was busy, and memory."""

    clock: float
    busy: float
    megabytes: float


@torch.inference_mode()
def measure(read: Callable[[Tensor], object], ids: Tensor) -> Cost:
    """Median cost of a pass."""
    read(ids)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before, clock = torch.cuda.memory_allocated(), []
    while sum(clock) < 1e3 * PASSES_S and len(clock) < 15:
        started = time.perf_counter()
        read(ids)
        torch.cuda.synchronize()
        clock.append(1e3 * (time.perf_counter() - started))
    megabytes = (torch.cuda.max_memory_allocated() - before) / 1e6
    with profile_gpu(activities=[ProfilerActivity.CUDA], acc_events=True) as kernels:
        read(ids)
        torch.cuda.synchronize()
    busy = sum(event.self_device_time_total for event in kernels.key_averages()) / 1e3
    return Cost(statistics.median(clock), busy, megabytes)


if __name__ == "__main__":
    main()
