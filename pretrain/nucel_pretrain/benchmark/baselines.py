"""What a task is worth without a language model: words, positions, a small convolution.

Each learns from the train part, is chosen on the dev part, and gives probabilities of the test
part. Of classes only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from nucel_model import tokenizer
from nucel_pretrain.finetune.classifier import reverse_complement
from nucel_pretrain.finetune.dataset import Dataset, Part

Array = NDArray[np.float64]
WORD = 6
PENALTIES = (0.001, 0.01, 0.1, 1.0)
WIDTHS = (5, 10, 20, 40, 100)
"""Bases on either side of the middle that a position matrix reads."""
PSEUDOCOUNT = 1.0
EPOCHS, BATCH, PATIENCE, CHANNELS = 30, 64, 5, 64


@dataclass(frozen=True)
class Answer:
    """Probabilities (n, classes) of dev and test, and what was chosen, in words."""

    dev: Array
    test: Array
    chosen: str


Baseline = Callable[[Dataset, int], Answer]
"""From a dataset and a seed."""


def words(data: Dataset, seed: int) -> Answer:
    """Logistic regression on counts of 6-mers, of the strand as given or of both together.

    Both the counting and the penalty are chosen on dev.
    """
    from sklearn.linear_model import LogisticRegression

    best: tuple[float, Answer] | None = None
    for both in (False, True):
        counts = {name: _counts(part, both) for name, part in data.parts.items()}
        scale = np.maximum(counts["train"].std(axis=0), 1e-3)
        x = {name: found / scale for name, found in counts.items()}
        for penalty in PENALTIES:
            model = LogisticRegression(C=penalty, max_iter=500)
            model.fit(x["train"], data.parts["train"].targets)
            p = {name: model.predict_proba(x[name]) for name in ("dev", "test")}
            loss = _loss(p["dev"], data.parts["dev"])
            if best is None or loss < best[0]:
                strands = "both strands" if both else "one strand"
                best = loss, Answer(p["dev"], p["test"], f"{strands}, C = {penalty:g}")
    assert best is not None
    return best[1]


def _counts(part: Part, both: bool) -> Array:
    """(n, 4^6) how often each word occurs."""
    found = np.zeros((len(part), 4**WORD))
    for row, sequence in zip(found, part.sequences, strict=True):
        for text in (sequence, reverse_complement(sequence)) if both else (sequence,):
            code = tokenizer.encode(text).astype(np.int64) - tokenizer.A
            if len(code) < WORD:
                continue
            view = np.lib.stride_tricks.sliding_window_view(code, WORD)
            view = view[((view >= 0) & (view < 4)).all(axis=1)]
            row += np.bincount(view @ 4 ** np.arange(WORD), minlength=4**WORD)
    return found


def positions(data: Dataset, seed: int) -> Answer:
    """Log-odds of the base at each place around the middle, added up: a position weight matrix.

    Windows must be equally long. The matrix of each class is its base frequencies in the train
    part; how far around the middle it reaches is chosen on dev.
    """
    best: tuple[float, Answer] | None = None
    train = data.parts["train"]
    hot = {name: _one_hot(part) for name, part in data.parts.items()}
    middle, classes = hot["train"].shape[1] // 2, len(data.labels)
    frequency = np.stack(
        [hot["train"][train.targets == c].sum(axis=0) + PSEUDOCOUNT for c in range(classes)]
    )
    frequency /= frequency.sum(axis=2, keepdims=True)
    prior = np.log(np.bincount(train.targets, minlength=classes) / len(train))
    for width in WIDTHS:
        near = slice(max(0, middle - width), middle + width)
        weight = np.log(frequency[:, near])
        p = {}
        for name in ("dev", "test"):
            logits = np.einsum("nlb,clb->nc", hot[name][:, near], weight) + prior
            p[name] = torch.from_numpy(logits).softmax(dim=1).numpy()
        loss = _loss(p["dev"], data.parts["dev"])
        if best is None or loss < best[0]:
            best = loss, Answer(p["dev"], p["test"], f"{2 * width} bases around the middle")
    assert best is not None
    return best[1]


class Convolution(nn.Module):
    """Two layers of convolution and the maximum over the sequence: what a small network can do."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, CHANNELS, 15, padding=7)
        self.second = nn.Conv1d(CHANNELS, CHANNELS, 9, padding=4)
        self.last = nn.Linear(CHANNELS, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, bases, 4) to (batch, classes)."""
        x = F.max_pool1d(F.relu(self.first(x.transpose(1, 2))), 4)
        return self.last(F.relu(self.second(x)).amax(dim=2))


def convolution(data: Dataset, seed: int) -> Answer:
    """A `Convolution`, stopped by dev; whether strands are taken for one is chosen on dev too."""
    one, both = (_convolution(data, seed, both=both) for both in (False, True))
    dev = data.parts["dev"]
    return min((one, both), key=lambda answer: _loss(answer.dev, dev))


def _convolution(data: Dataset, seed: int, *, both: bool) -> Answer:
    """``both``: half the examples are reverse-complemented, and both strands' mean predicts."""
    train, dev = data.parts["train"], data.parts["dev"]
    hot = {name: torch.from_numpy(_one_hot(part)).float() for name, part in data.parts.items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Convolution(len(data.labels))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    targets, wanted = torch.from_numpy(train.targets), torch.from_numpy(dev.targets)
    best, waited, kept, epochs = np.inf, 0, model.state_dict(), 0

    def logits(x: Tensor) -> Tensor:
        with torch.inference_mode():
            found = model(x)  # A, C, G, T backwards is T, G, C, A
            return (found + model(x.flip(1, 2))) / 2 if both else found

    for epoch in range(EPOCHS):
        rng = np.random.default_rng([seed, epoch])
        order, turned = rng.permutation(len(train)), rng.random(len(train)) < 0.5
        for at in range(0, len(order), BATCH):
            index = order[at : at + BATCH]
            x = hot["train"][index]
            if both:
                flip = torch.from_numpy(turned[index])[:, None, None]
                x = torch.where(flip, x.flip(1, 2), x)
            loss = F.cross_entropy(model(x), targets[index])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        now = float(F.cross_entropy(logits(hot["dev"]), wanted))
        if now < best:
            best, waited, epochs = now, 0, epoch + 1
            kept = {name: x.clone() for name, x in model.state_dict().items()}
        else:
            waited += 1
            if waited == PATIENCE:
                break
    model.load_state_dict(kept)
    p = {name: logits(hot[name]).softmax(dim=1).double().numpy() for name in ("dev", "test")}
    strands = "both strands" if both else "one strand"
    return Answer(p["dev"], p["test"], f"{strands}, {epochs} epochs")


BASELINES: dict[str, Baseline] = {
    "6-mers": words,
    "positions": positions,
    "convolution": convolution,
}
SEEDLESS = ("6-mers", "positions")
"""Whose answer does not depend on the seed."""


def _one_hot(part: Part) -> Array:
    """(n, bases, 4); N is all zeros, and so is what lies beyond a shorter sequence's end."""
    longest = max(len(s) for s in part.sequences)
    found = np.zeros((len(part), longest, 4))
    for row, sequence in zip(found, part.sequences, strict=True):
        code = tokenizer.encode(sequence).astype(np.int64) - tokenizer.A
        at = np.flatnonzero((code >= 0) & (code < 4))
        row[at, code[at]] = 1
    return found


def _loss(p: Array, part: Part) -> float:
    own = p[np.arange(len(part)), part.targets]
    return float(-np.log(np.maximum(own, 1e-12)).mean())
