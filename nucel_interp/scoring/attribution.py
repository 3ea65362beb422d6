"""Contribution of each base to a fine-tuned prediction: captum's methods behind one call.

=====================  ===========================================================================
method                 a base's number
=====================  ===========================================================================
integrated-gradients   gradients summed along the straight line from a baseline's embedding to the
                       sequence's (Sundararajan et al. 2017, arXiv 1703.01365); the baseline is N
                       in every place
expected-gradients     the same, averaged over dinucleotide-shuffled copies as baselines (Erion et
                       al. 2021, arXiv 1906.10670), in the place of DeepLIFT-SHAP, whose rules do
                       not hold through softmax, layer norms and gates
gradient-x-input       the gradient at the sequence times the base's embedding less the mean of
                       all four bases' (the norm behind the embedding makes the gradient stand at
                       right angles to it, so that without the mean nothing is left; Majdandzic et
                       al. 2023, doi 10.1186/s13059-023-02956-3, for one-hot input)
occlusion              f(x) less f(x with the base's embedding replaced by N's)
mutagenesis            f(x) less the mean of f over the three other bases
=====================  ===========================================================================

f is the target's number (`target.Target.of`). Positive = the base pushes f up. Numbers of the first
two add up to f(x) - f(baseline), but for an error, delta, that falls with the number of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucel_interp.errors import InputError
from nucel_interp.scoring.device import batch_tokens
from nucel_interp.scoring.gradients import training_kernel
from nucel_interp.scoring.mutagenesis import check_lengths, importance, mutagenesis, reading
from nucel_interp.scoring.prediction import predict_sequences
from nucel_interp.scoring.scores import Progress, Strands
from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.scoring.target import Target, find_target
from nucel_interp.types import reverse_complement
from nucel_model import Nucel, NucelEncoder, tokenizer
from nucel_model.sequences import as_sequences

Array = NDArray[np.float64]
Method = Literal[
    "integrated-gradients", "expected-gradients", "gradient-x-input", "occlusion", "mutagenesis"
]
METHODS: tuple[str, ...] = get_args(Method)
ADDING_UP = ("integrated-gradients", "expected-gradients")
STEPS = 256
"""Points on the line, at most."""
SEGMENTS, POINTS = 4, 8
"""Stretches of the line at first, and points of each. What a stretch adds up to is known, so those
whose sums are far off are halved until all errors together are within the bound: a prediction that
turns suddenly gets its points where it turns."""
LEAST_STEPS = SEGMENTS * POINTS
SHUFFLES = 5
"""Baselines of expected gradients; each strand has its own."""
BOUND, LEAST = 0.02, 0.5
"""|delta| may be this share of |f(x) - f(baseline)|, or of half a logit where that is smaller."""
TOKENS = 4096
"""Read at once on a CPU."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """A number per base of every sequence, and how far they can be trusted.

    Attributes:
        method: Method of attribution, one of `METHODS`.
        target: Output of the head that is explained.
        tracks: Per sequence (bases,), in the target's unit; NaN where there is no base, and
            everywhere in a sequence that is not kept.
        maps: (bases, 4) per sequence from mutagenesis: f(x with that base) - f(x). Empty for other
            methods.
        prediction: (sequences,) f(x), the target's number.
        baseline: (sequences,) f of the baseline; NaN for methods without one.
        delta: (sequences,) sum of the track less f(x) - f(baseline); NaN for methods without a
            baseline.
        steps: (sequences,) points on each line, the most over strands and baselines; 0 for methods
            without a line.
        kept: (sequences,) whether |delta| is within `BOUND` of max(|f(x) - f(baseline)|, `LEAST`).
    """

    method: str
    target: Target
    tracks: list[Array]
    maps: list[Array]
    prediction: Array
    baseline: Array
    delta: Array
    steps: NDArray[np.int64]
    kept: NDArray[np.bool_]

    @property
    def small(self) -> float:
        """Share of sequences whose f hardly differs from the baseline's (by less than `LEAST`)."""
        difference = np.abs(self.prediction - self.baseline)
        return float((difference < LEAST).mean()) if len(difference) else float("nan")


@dataclass(frozen=True, eq=False)
class _Line:
    """Of one strand of one sequence."""

    track: Array
    baseline: float
    prediction: float
    steps: int


def attribute_sequences(
    model: Nucel,
    sequences: Sequence[str],
    *,
    method: str = "integrated-gradients",
    target: str | None = None,
    steps: int = STEPS,
    strands: Strands | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Attribution:
    """Explain the predictions of many sequences.

    Args:
        model: Model with a fine-tuned head; one of longer tokens can be explained by mutagenesis
            alone.
        sequences: DNA strings, in upper or lower case, each within the model's context.
        method: Method of attribution, one of `METHODS`.
        target: Label of the output to explain; if not given, the only one or the second of two
            classes.
        steps: Largest number of points on the line from the baseline to the sequence, 32 or more.
        strands: "both" averages with the track of the reverse complement, turned back; None does
            what the head was fitted for.
        seed: Seed of the shuffled baselines of expected gradients.
        on_progress: Called with the number of bases finished since the last call.

    Raises:
        FolderError: The model has no fine-tuned head.
        InputError: No such method, target or ``strands``, too few steps, a sequence longer than
            the context, or a method that this kind of model does not have.
    """
    if steps < LEAST_STEPS:
        raise InputError(f"steps is {steps}; give {LEAST_STEPS} points on the line or more")
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}; there are {', '.join(METHODS)}")
    sequences = as_sequences(sequences)
    chosen = find_target(model, target)
    sides = reading(model, strands)
    check_lengths(model, sequences)
    n = len(sequences)
    nothing, no_steps = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
    if method == "mutagenesis":
        maps = mutagenesis(
            model, sequences, target=chosen.label, strands=sides, on_progress=on_progress
        )
        value = predict_sequences(model, chosen, sequences, strands=sides)
        tracks = [importance(found) for found in maps]
        kept = np.ones(n, dtype=bool)
        return Attribution(method, chosen, tracks, maps, value, nothing, nothing, no_steps, kept)
    if not isinstance(model.encoder, NucelEncoder):
        raise InputError(
            f"{model.name} reads tokens of {model.config.token_bp} bases, and gradients are of "
            "tokens; use --method mutagenesis, which replaces bases"
        )
    reader = _Reader(model, chosen)
    found: list[_Line] = []
    for sequence in sequences:
        line = reader.line(sequence, method, steps, seed)
        if sides == "both":
            other = reader.line(reverse_complement(sequence), method, steps, seed)
            line = _mean_of_strands(line, other)
        found.append(line)
        if on_progress is not None:
            on_progress(len(sequence))
    adds = method in ADDING_UP
    prediction = np.array([line.prediction for line in found])
    baseline = np.array([line.baseline for line in found]) if adds else nothing
    total = np.array([np.nansum(line.track) for line in found])
    delta = total - (prediction - baseline)
    kept = np.abs(delta) <= BOUND * np.maximum(np.abs(prediction - baseline), LEAST)
    if not adds:
        kept = np.ones(n, dtype=bool)
    return Attribution(
        method=method,
        target=chosen,
        tracks=[
            line.track if ok else np.full(len(line.track), np.nan)
            for line, ok in zip(found, kept, strict=True)
        ],
        maps=[],
        prediction=prediction,
        baseline=baseline,
        delta=delta,
        steps=np.array([line.steps for line in found], dtype=np.int64),
        kept=kept,
    )


def _mean_of_strands(line: _Line, other: _Line) -> _Line:
    return _Line(
        (line.track + other.track[::-1]) / 2,
        (line.baseline + other.baseline) / 2,
        (line.prediction + other.prediction) / 2,
        max(line.steps, other.steps),
    )


class Stretches(NamedTuple):
    """Parts of a line from 0 to 1: ends, attributions (n, tokens, hidden), how far off sums are."""

    low: Tensor
    high: Tensor
    part: Tensor
    gap: Tensor

    def without(self, index: Tensor) -> Stretches:
        """All but these."""
        kept = torch.ones(len(self.low), dtype=torch.bool, device=self.low.device)
        kept[index] = False
        return Stretches(self.low[kept], self.high[kept], self.part[kept], self.gap[kept.cpu()])

    def joined(self, other: Stretches) -> Stretches:
        """These and those."""
        return Stretches(*(torch.cat(pair) for pair in zip(self, other, strict=True)))


class _Reader:
    """The prediction as a function of the embedding, which is what captum is given."""

    def __init__(self, model: Nucel, target: Target) -> None:
        self.model, self.target = model, target
        self.device = next(model.parameters()).device
        encoder = model.encoder
        assert isinstance(encoder, NucelEncoder)
        self.table = encoder.embeddings.tok_embeddings

    def line(self, sequence: str, method: str, n_steps: int, seed: int) -> _Line:
        """One strand."""
        ids, _ = tokenizer.batch([tokenizer.encode(sequence)])
        is_base = tokenizer.is_base(ids[0])[1:].numpy()
        x = self._embedded(ids)
        base, used = [float("nan")], 0
        with training_kernel(self.model, ids.shape[1]), torch.enable_grad():
            if method == "gradient-x-input":
                from captum.attr import Saliency

                slope = Saliency(self.value).attribute(x.requires_grad_(), abs=False)
                found = slope * (x - self._mean_base())
            elif method == "occlusion":
                found = self._occlusion(x, ids)
            else:
                lines = [
                    self._integrated(x, self._embedded(b), n_steps)
                    for b in self._baselines(sequence, ids, method, seed)
                ]
                found = torch.stack([line[0] for line in lines]).mean(dim=0)
                base, used = [line[1] for line in lines], max(line[2] for line in lines)
        prediction = float(self._values(x)[0])
        track = found[0, 1:].detach().sum(dim=-1).double().cpu().numpy()
        return _Line(np.where(is_base, track, np.nan), float(np.mean(base)), prediction, used)

    @torch.no_grad()
    def _mean_base(self) -> Tensor:
        """(hidden,) the mean embedding of A, C, G, T."""
        mean: Tensor = self.table(torch.tensor(tokenizer.BASE_IDS, device=self.device)).mean(dim=0)
        return mean

    @torch.no_grad()
    def _values(self, embedded: Tensor) -> Tensor:
        return self.value(embedded).double().cpu()

    def value(self, embedded: Tensor) -> Tensor:
        """(batch,) the target's number, from (batch, tokens, hidden)."""
        ids = torch.full(embedded.shape[:2], tokenizer.A, device=self.device)
        ids[:, 0] = tokenizer.CLS

        def given(module: torch.nn.Module, inputs: object, output: Tensor) -> Tensor:
            return embedded

        handle = self.table.register_forward_hook(given)
        try:
            return self.target.of(self.model.predict_logits(ids))
        finally:
            handle.remove()

    def _embedded(self, ids: Tensor) -> Tensor:
        with torch.no_grad():
            embedded: Tensor = self.table(ids.to(self.device))
        return embedded

    def _baselines(self, sequence: str, ids: Tensor, method: str, seed: int) -> Iterator[Tensor]:
        if method == "integrated-gradients":
            unknown = ids.clone()
            unknown[:, 1:] = tokenizer.UNK
            yield unknown
            return
        for number in range(SHUFFLES):  # a reverse complement's copies are the copies' own
            copy = shuffled(sequence, seed=seed, copy=number)
            yield tokenizer.batch([tokenizer.encode(copy)])[0]

    def _integrated(self, x: Tensor, baseline: Tensor, most: int) -> tuple[Tensor, float, int]:
        """Attributions (1, tokens, hidden), f(baseline), and the points that were used."""
        from captum.attr import IntegratedGradients

        at_once = max(POINTS, batch_tokens(self.model, TOKENS) // x.shape[1])
        captum = IntegratedGradients(self.value)

        def stretches(low: Tensor, high: Tensor) -> Stretches:
            ends = [baseline + at[:, None, None] * (x - baseline) for at in (low, high)]
            part: Tensor = captum.attribute(
                ends[1], ends[0], n_steps=POINTS, method="gausslegendre",
                internal_batch_size=at_once,
            ).detach()  # fmt: skip
            known = self._values(ends[1]) - self._values(ends[0])
            gap = (part.sum(dim=(1, 2)).double().cpu() - known).abs()
            return Stretches(low, high, part, gap)

        at = torch.linspace(0, 1, SEGMENTS + 1, device=self.device)
        found = stretches(at[:-1], at[1:])
        used = SEGMENTS * POINTS
        first, last = float(self._values(baseline)[0]), float(self._values(x)[0])
        bound = BOUND * max(abs(last - first), LEAST)
        while float(found.gap.sum()) > bound and used + 2 * POINTS <= most:
            worst = found.gap.argsort(descending=True)[: (most - used) // (2 * POINTS)]
            worst = worst[found.gap[worst] > bound / (2 * len(found.gap))].to(self.device)
            low, high = found.low[worst], found.high[worst]
            middle = (low + high) / 2
            new = stretches(torch.cat([low, middle]), torch.cat([middle, high]))
            found = found.without(worst).joined(new)
            used += 2 * POINTS * len(worst)
        return found.part.sum(dim=0, keepdim=True), first, used

    def _occlusion(self, x: Tensor, ids: Tensor) -> Tensor:
        from captum.attr import Occlusion

        unknown = ids.clone()
        unknown[:, 1:] = tokenizer.UNK
        at_once = max(1, batch_tokens(self.model, TOKENS) // x.shape[1])
        with torch.no_grad():
            found: Tensor = Occlusion(self.value).attribute(
                x,
                sliding_window_shapes=(1, x.shape[2]),
                baselines=self._embedded(unknown),
                perturbations_per_eval=at_once,
            )
        return found / x.shape[2]  # captum gives the difference to every number of the embedding
