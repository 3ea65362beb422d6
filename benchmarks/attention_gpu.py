"""The profile on a GPU: beside a flash forward, and a whole BAC in one piece.

    python -m benchmarks.attention_gpu

The paper's shape in bf16, random weights, one random sequence. Seconds are the median of five
passes after a warm-up that compiles the kernels; memory is what torch had allocated at most, over
the weights. Without a GPU it says so and ends.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.attention import paper_shape, random_ids
from nucel_model import NucelEncoder
from nucel_model.backends import choose_backend
from nucel_model.profile_gpu import available

LENGTHS = (2_000, 8_000, 32_000, 128_000)
PASSES = 5


def main() -> None:
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return
    device = torch.device("cuda")
    config = dataclasses.replace(paper_shape(), max_position_embeddings=max(LENGTHS) + 1)
    model = NucelEncoder(config).eval().to(device, torch.bfloat16)
    print(f"{torch.cuda.get_device_name()}; torch {torch.__version__}")
    print(f"forward: {': '.join(choose_backend(device, torch.bfloat16))}")
    print(f"profile: {available(device)[1]}\n")
    print("| bases | forward, ms | profile, ms | profile : forward | profile, MB |")
    print("|---|---|---|---|---|")
    for length in LENGTHS:
        ids = random_ids(length).to(device)
        forward, _ = measure(model, ids)
        profile, megabytes = measure(model.profile, ids)
        print(
            f"| {length:,} | {1e3 * forward:.1f} | {1e3 * profile:.1f} | {profile / forward:.2f} "
            f"| {megabytes:,.0f} |",
            flush=True,
        )


@torch.inference_mode()
def measure(read: Callable[[Tensor], object], ids: Tensor) -> tuple[float, float]:
    """Median seconds of a pass, and the most memory it took, in MB."""
    read(ids)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before, seconds = torch.cuda.memory_allocated(), []
    for _ in range(PASSES):
        started = time.perf_counter()
        read(ids)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), (torch.cuda.max_memory_allocated() - before) / 1e6


if __name__ == "__main__":
    main()
