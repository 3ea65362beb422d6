"""Can a model tell a changed base in unseen sequence? Beside Markov models of its training data.

Four bases of each 256-bp window are replaced, uniformly by one of the other three. A model's score
is its replaced log-odds. A Markov model of order k, fitted on the training sequence of both
strands, scores a base by log-sum-exp over the three alternatives minus the observed base, of the
log-probability of all words of length k + 1 that cover it. Intervals resample windows.

    python -m benchmarks.planted_changes --fasta chr20.fa.gz --fasta chrX.fa.gz \
        --exclude chr20:38000000-63025520 --region chr20:40000000-63025520 --model nucel-mini
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from nucel_model import from_pretrained, tokenizer, untrained_twin
from nucel_pretrain.data import DataConfig, Windows, read_chromosomes
from nucel_pretrain.evaluate import auroc

WINDOW, CHANGES = 256, 4


def planted(windows: Windows, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Changed windows (n, 257) with [CLS], and which bases were changed (n, 256)."""
    ids = windows.batch(seed, range(n))
    rng = np.random.default_rng(seed)
    changed = np.zeros((n, WINDOW), dtype=bool)
    for row, flags in zip(ids, changed, strict=True):
        at = rng.choice(WINDOW, CHANGES, replace=False)
        row[1 + at] = tokenizer.A + (row[1 + at] - tokenizer.A + rng.integers(1, 4, CHANGES)) % 4
        flags[at] = True
    return ids, changed


def model_scores(model, ids: np.ndarray) -> np.ndarray:
    """Replaced log-odds, (n, 256), of the forward strand."""
    out = []
    with torch.inference_mode():
        for start in range(0, len(ids), 32):
            batch = torch.from_numpy(ids[start : start + 32])
            out.append(model.replaced_logit(model(batch).last_hidden_state).numpy())
    return np.concatenate(out)


def markov_tables(usable: Windows, order: int) -> np.ndarray:
    """Log-probability of a word's last base given the others, (4 ** (order + 1),).

    Counted on both strands, one added per word.
    """
    word = order + 1
    counts = np.zeros(4**word, dtype=np.int64)
    for stretch in usable.stretches():
        codes = stretch.astype(np.int64) - tokenizer.A
        for strand in (codes, 3 - codes[::-1]):
            value = np.zeros(len(strand) - word + 1, dtype=np.int64)
            for i in range(word):
                value = value * 4 + strand[i : len(strand) - word + 1 + i]
            counts += np.bincount(value, minlength=4**word)
    table = counts.reshape(-1, 4) + 1.0
    return np.log(table / table.sum(axis=1, keepdims=True)).reshape(-1)


def markov_scores(table: np.ndarray, order: int, ids: np.ndarray) -> np.ndarray:
    """(n, 256) score of every base; words that would leave the window are left out."""
    word = order + 1
    codes = ids[:, 1:] - tokenizer.A
    n = codes.shape[1]
    total = np.zeros((4, *codes.shape))
    starts = np.zeros((codes.shape[0], n - word + 1), dtype=np.int64)
    for i in range(word):
        starts = starts * 4 + codes[:, i : n - word + 1 + i]
    for i in range(word):
        place = 4 ** (word - 1 - i)
        here = codes[:, i : n - word + 1 + i]
        for b in range(4):
            total[b][:, i : n - word + 1 + i] += table[starts + (b - here) * place]
    observed = np.take_along_axis(total, codes[None], axis=0)[0]
    others = np.where(np.arange(4)[:, None, None] == codes[None], -np.inf, total)
    return np.logaddexp.reduce(others, axis=0) - observed


def report(name: str, scores: np.ndarray, changed: np.ndarray, draws: int = 200) -> None:
    rng = np.random.default_rng(0)
    values = []
    for _ in range(draws):
        rows = rng.integers(len(scores), size=len(scores))
        values.append(auroc(scores[rows].ravel(), changed[rows].ravel()))
    low, high = np.percentile(values, [2.5, 97.5])
    print(f"{name:<28} {auroc(scores.ravel(), changed.ravel()):.4f}  ({low:.4f} to {high:.4f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", action="append", required=True)
    parser.add_argument("--exclude", action="append", default=[], help="not fitted on")
    parser.add_argument("--region", required=True, help="windows are drawn here")
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--orders", type=int, nargs="*", default=[3, 5, 8])
    args = parser.parse_args()
    chromosomes = read_chromosomes(args.fasta)
    held = Windows(chromosomes, DataConfig(validation=(args.region,)), validation=True)
    ids, changed = planted(held, args.windows, seed=11)
    print(f"AUROC of {changed.sum():,} planted changes in {len(ids):,} windows of {args.region}")
    model = from_pretrained(args.model)
    report(model.name, model_scores(model, ids), changed)
    twin = untrained_twin(model, seed=0)
    twin.discriminator_head = model.discriminator_head
    report("the same, untrained encoder", model_scores(twin, ids), changed)
    usable = Windows(chromosomes, DataConfig(exclude=tuple(args.exclude)))
    for order in args.orders:
        started = time.perf_counter()
        table = markov_tables(usable, order)
        report(f"two-sided Markov, order {order}", markov_scores(table, order, ids), changed)
        print(f"{'':<28} fitted in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
