"""How well held-out sequences are predicted, each number with its interval over sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_model.heads import Task
from nucel_pretrain.evaluation.metrics import (
    DRAWS,
    Counts,
    Estimate,
    Ranked,
    Statistic,
    estimate,
    matthews,
)

Array = NDArray[np.float64]

METRICS: dict[str, tuple[str, ...]] = {
    "classes": ("mcc", "accuracy", "f1", "auroc", "auprc"),
    "multilabel": ("mcc", "accuracy", "f1", "auroc", "auprc"),
    "regression": ("spearman", "pearson", "r2"),
}
"""Per task. F1 of two classes is the second class's; with more classes or labels, F1, AUROC and
AUPRC are means over them, and so is everything of values. MCC of several classes is Gorodkin's."""


def measure(
    predicted: Array, targets: NDArray[Any], task: Task, *, draws: int = DRAWS
) -> dict[str, Estimate]:
    """Every metric of the task, with its 95 % bootstrap interval over sequences.

    Args:
        predicted: (n, labels) probabilities, or values.
        targets: (n,) class numbers, or (n, labels).
        task: "classes", "multilabel" or "regression".
        draws: Resamples.
    """
    found = statistics(predicted, targets, task)
    return {name: estimate(found[name], len(targets), draws=draws) for name in METRICS[task]}


def statistics(predicted: Array, targets: NDArray[Any], task: Task) -> dict[str, Statistic]:
    """Every metric of the task as a function of how often each sequence was drawn."""
    if task == "regression":
        return _of_values(predicted, np.asarray(targets, dtype=np.float64))
    if task == "multilabel":
        return _of_labels(predicted, np.asarray(targets) > 0.5)
    return _of_classes(predicted, np.asarray(targets, dtype=np.int64))


def _of_classes(p: Array, y: NDArray[np.int64]) -> dict[str, Statistic]:
    k, called = p.shape[1], p.argmax(axis=1)
    cell = y * k + called

    def confusion(counts: Counts) -> Array:
        table = np.bincount(cell, weights=counts, minlength=k * k)
        return table.astype(np.float64).reshape(k, k)

    chosen = [1] if k == 2 else list(range(k))
    ranked = [Ranked(p[:, c], y == c) for c in chosen]
    return {
        "mcc": lambda counts: gorodkin(confusion(counts)),
        "accuracy": lambda counts: float(np.trace(confusion(counts)) / counts.sum()),
        "f1": lambda counts: float(np.mean([_f1(confusion(counts), c) for c in chosen])),
        "auroc": lambda counts: float(np.mean([r.auroc(counts) for r in ranked])),
        "auprc": lambda counts: float(np.mean([r.auprc(counts) for r in ranked])),
    }


def gorodkin(table: Array) -> float:
    """Matthews correlation of a confusion table (true, called) of any size (Gorodkin 2004).

    0 where everything is called, or is, one class.
    """
    n, right = table.sum(), np.trace(table)
    true, called = table.sum(axis=1), table.sum(axis=0)
    spread = (n**2 - called @ called) * (n**2 - true @ true)
    return float((n * right - true @ called) / np.sqrt(spread)) if spread > 0 else 0.0


def _f1(table: Array, c: int) -> float:
    total = table[c].sum() + table[:, c].sum()
    return float(2 * table[c, c] / total) if total else 0.0


def _of_labels(p: Array, y: NDArray[np.bool_]) -> dict[str, Statistic]:
    called, each = p >= 0.5, range(p.shape[1])
    ranked = [Ranked(p[:, c], y[:, c]) for c in each]

    def f1(counts: Counts, c: int) -> float:
        both = counts @ (called[:, c] & y[:, c])
        total = counts @ called[:, c] + counts @ y[:, c]
        return float(2 * both / total) if total else 0.0

    return {
        "mcc": lambda w: float(np.mean([matthews(called[:, c], y[:, c], w) for c in each])),
        "accuracy": lambda w: float(w @ (called == y).mean(axis=1) / w.sum()),
        "f1": lambda w: float(np.mean([f1(w, c) for c in each])),
        "auroc": lambda w: float(np.mean([r.auroc(w) for r in ranked])),
        "auprc": lambda w: float(np.mean([r.auprc(w) for r in ranked])),
    }


def _of_values(p: Array, y: Array) -> dict[str, Statistic]:
    from scipy.stats import rankdata

    def drawn(counts: Counts) -> tuple[Array, Array]:
        index = np.repeat(np.arange(len(y)), counts.astype(np.int64))
        return p[index], y[index]

    def spearman(counts: Counts) -> float:
        a, b = drawn(counts)
        return _correlation(rankdata(a, axis=0), rankdata(b, axis=0))

    def r2(counts: Counts) -> float:
        a, b = drawn(counts)
        spread = ((b - b.mean(axis=0)) ** 2).sum(axis=0)
        if not spread.all():
            return float("nan")
        return float(np.mean(1 - ((a - b) ** 2).sum(axis=0) / spread))

    return {"spearman": spearman, "pearson": lambda c: _correlation(*drawn(c)), "r2": r2}


def _correlation(a: Array, b: Array) -> float:
    """Mean over columns of Pearson's correlation; NaN where a column is constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    spread = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(np.mean((a * b).sum(axis=0) / spread)) if spread.all() else float("nan")
