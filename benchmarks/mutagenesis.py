"""In-silico mutagenesis in batches beside one sequence at a time, the same numbers.

    python -m benchmarks.mutagenesis --threads 2

One random sequence of 200 bp, both strands, a head on the mean of random weights. `nucel-mini` with
every substitution; the paper's shape with 20 places. Seconds are the clock's, the faster of two
rounds taken in turn; a "sequence" is one forward pass of one variant on one strand.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import torch

from benchmarks.attention import paper_shape
from nucel_interp.scoring import mutagenesis as room
from nucel_interp.scoring.mutagenesis import mutagenesis
from nucel_model import ClassificationHead, Nucel, NucelEncoder, from_pretrained

LENGTH, PLACES = 200, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    print(f"{given.threads} threads; load average at the start {os.getloadavg()[0]:.1f}\n")
    print("| model | batched, sequences a second | one at a time | ratio | largest difference |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    whole = "".join(rng.choice(list("ACGT"), LENGTH))
    # N is not replaced: of the large model only the first places are
    few = whole[:PLACES] + "N" * (LENGTH - PLACES)
    for name, model, text in (
        ("nucel-mini", from_pretrained("nucel-mini"), whole),
        ("the paper's shape", Nucel(NucelEncoder(paper_shape())), few),
    ):
        head = ClassificationHead(model.config.hidden_size, ["no", "yes"], pooling="mean")
        model.classifier_head = head
        model.eval()
        compare(name, model, text)


def compare(name: str, model: Nucel, text: str) -> None:
    """One row."""
    n = 2 * 3 * sum(letter != "N" for letter in text)
    seconds: dict[int, float] = {}
    maps = {}
    for _ in range(2):
        for tokens in (4096, 1):
            room.TOKENS = tokens
            started = time.perf_counter()
            maps[tokens] = mutagenesis(model, [text])[0]
            took = time.perf_counter() - started
            seconds[tokens] = min(took, seconds.get(tokens, took))
    worst = np.nanmax(np.abs(maps[4096] - maps[1]))
    print(
        f"| {name} | {n / seconds[4096]:.1f} | {n / seconds[1]:.1f} "
        f"| {seconds[1] / seconds[4096]:.2f} | {worst:.1e} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
