"""One model on the common windows: every number of the comparison, before intervals are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import centre
from nucel_interp.compare.models.cost import Cost, measured
from nucel_interp.compare.models.evaluation import Evaluation
from nucel_interp.compare.models.motif_sites import MotifSites
from nucel_interp.compare.shared.head_selection import (
    FEWEST_PER_HALF,
    Chosen,
    crossfit_heads,
    head_mean,
)
from nucel_interp.compare.shared.recovery import (
    SHARES,
    average_precision,
    by_sequence,
    decoy_auroc,
    recall_curve,
)
from nucel_interp.compare.shared.sinks import sink_table
from nucel_interp.compare.shared.snr import DEFINITIONS, signal_to_noise
from nucel_interp.compare.shared.windows import SharedWindows
from nucel_interp.controls.auroc import auroc
from nucel_interp.controls.beyond import AtQuestions, Question, at_questions
from nucel_interp.progress import Stages
from nucel_interp.scoring.resolution import blur
from nucel_interp.scoring.scores import Progress, Scores, score_sequences

if TYPE_CHECKING:
    from nucel_model import Nucel

RESOLUTIONS = ("native", "matched")
LAYERS = ("all", "global")
SINK_WINDOW = 8
"""A sink can be told in windows of at least this many places."""
Array = NDArray[np.float64]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Reader:
    """A model under the name it has in the tables.

    ``control_of`` names the model whose randomly initialised control it is; "" for a given model.
    """

    name: str
    model: Nucel
    control_of: str = ""

    @property
    def n_heads(self) -> int:
        """Layers x heads."""
        config = self.model.config
        return int(config.num_hidden_layers * config.num_attention_heads)

    @property
    def is_global(self) -> NDArray[np.bool_]:
        """(layers x heads,) does the head's layer see everything?"""
        config = self.model.config
        kinds = [config.window(i) is None for i in range(config.num_hidden_layers)]
        return np.repeat(np.array(kinds, dtype=bool), config.num_attention_heads)

    def label(self, head: int | None) -> str:
        """``layer:head``, both from 0; "" for none."""
        if head is None:
            return ""
        layer, number = divmod(head, self.model.config.num_attention_heads)
        return f"{layer}:{number}"


@dataclass(frozen=True, eq=False)
class SnrValues:
    """Signal-to-noise sequence by sequence.

    Attributes:
        values: (resolution, layers, definition, motif, heads) -> (sequences with a site,).
        random: Signal-to-noise at random intervals, with the same heads.
        every_head: (resolution, motif) -> (heads, sequences with a site), mean_ratio.
    """

    values: dict[Key, Array] = field(default_factory=dict)
    random: dict[Key, Array] = field(default_factory=dict)
    every_head: dict[Key, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Recovery:
    """Of one motif at one resolution; arrays are (sequences with a site,)."""

    auroc: Array
    auprc: Array
    base_rate: Array
    decoy_auroc: float
    recall: Array


@dataclass(frozen=True, eq=False)
class Measured:
    """Numbers kept of a model once its tracks are freed.

    Attributes:
        reader: Model that was read.
        snr: Signal-to-noise at the sites.
        recovery: (resolution, motif) -> AUROC, AUPRC, recall.
        chosen: Resolution -> heads chosen by the mean ratio over all motifs' sites.
        scores: Shares, entropy and strand consistency per head; its tracks are empty.
        sink_heads: Heads with over half of their attention on one place in some window; None if
            no window is long enough to tell.
        at_sites: AUROC of every head at the sites and decoys of every question, matched.
        tracks: (resolution, window) -> (bases,) of the chosen head, for the windows asked for.
        cost: Time and memory of reading the windows.
    """

    reader: Reader
    snr: SnrValues
    recovery: dict[Key, Recovery]
    chosen: dict[str, Chosen]
    scores: Scores
    sink_heads: int | None
    at_sites: AtQuestions
    tracks: dict[tuple[str, int], NDArray[np.float32]]
    cost: Cost


def read_windows(
    reader: Reader, sequences: Sequence[str], on_progress: Progress | None = None
) -> Scores:
    """Both strands; a model of longer tokens is read in six frames."""
    return score_sequences(reader.model, sequences, frames=True, on_progress=on_progress)


def at_resolutions(
    reader: Reader, scores: Scores, evaluation: Evaluation
) -> Iterator[tuple[str, NDArray[np.floating]]]:
    """Native and matched tracks (heads, bases), NaN where a base does not count.

    At matched resolution a model that reads single bases is blurred as six frames of six-base
    tokens blur by themselves, if there is a model of such tokens in the comparison.
    """
    known = evaluation.known
    hidden = np.array(np.nan, dtype=scores.received.dtype)
    yield "native", np.where(known, scores.received, hidden)
    matched: NDArray[np.floating] = scores.received
    if evaluation.coarsest > reader.model.config.token_bp:
        matched = blur(scores.received, scores.offsets)
    yield "matched", np.where(known, matched, matched.dtype.type(np.nan))


def measure(
    reader: Reader, evaluation: Evaluation, shown: Sequence[int], stages: Stages
) -> Measured:
    """Read the windows with a model and measure at every motif's sites.

    Args:
        reader: The model.
        evaluation: Windows that are read, and the sites in them.
        shown: Windows whose tracks are kept, to be drawn.
        stages: Told how far it is.
    """
    windows, motif_sites = evaluation.windows, evaluation.motif_sites
    with (
        stages.stage(f"reading with {reader.name}", windows.sequences.n_bases) as step,
        measured() as cost,
    ):
        scores = read_windows(reader, windows.sequences, step)
    snr = SnrValues()
    recovery: dict[Key, Recovery] = {}
    chosen: dict[str, Chosen] = {}
    tracks: dict[tuple[str, int], NDArray[np.float32]] = {}
    at_sites: AtQuestions = []
    with stages.stage(f"measuring {reader.name}", len(RESOLUTIONS)) as step:
        for resolution, values in at_resolutions(reader, scores, evaluation):
            add_snr(snr, resolution, values, reader.is_global, windows, motif_sites)
            recovery |= {
                (resolution, name): one
                for name, one in recover(values, windows, motif_sites, reader.n_heads).items()
            }
            if resolution == "matched":
                at_sites = at_windows(evaluation.questions, values, windows)
            chosen[resolution] = _chosen(snr, resolution, windows, motif_sites, reader.n_heads)
            for window in shown:  # every head for now: which one is chosen at the end
                span = windows.sequences.span(window)
                tracks[resolution, window] = values[:, span].astype(np.float32)
            step(1)
    for (resolution, window), values in tracks.items():
        head = chosen["matched"].of(bool(windows.second_half[windows.number[window]]))
        nothing = np.full(values.shape[1], np.nan, dtype=np.float32)
        tracks[resolution, window] = nothing if head is None else values[head]
    return Measured(
        reader, snr, recovery, chosen, _without_tracks(scores),
        _sink_heads(reader, scores, windows, evaluation.coarsest), at_sites, tracks, cost,
    )  # fmt: skip


def at_windows(
    questions: Sequence[Question], tracks: NDArray[np.floating], windows: SharedWindows
) -> AtQuestions:
    """AUROC of every head at every question's sites, each record a sequence."""
    everyone = np.ones(len(windows.records), dtype=bool)  # repeats were left out
    return at_questions(questions, tracks, windows.by_record.offsets, windows.second_half, everyone)


def add_snr(
    found: SnrValues,
    resolution: str,
    tracks: NDArray[np.floating],
    is_global: NDArray[np.bool_],
    windows: SharedWindows,
    motif_sites: Sequence[MotifSites],
) -> None:
    """Signal-to-noise of one resolution: best heads cross-fitted, and the mean over heads."""
    offsets = windows.by_record.offsets
    for motif in motif_sites:
        at, half = motif.with_site, windows.second_half[motif.with_site]
        own = signal_to_noise(tracks, offsets, motif.inside, ~motif.inside)
        chance = signal_to_noise(tracks, offsets, motif.random, ~(motif.inside | motif.random))
        found.every_head[resolution, motif.name] = own["mean_ratio"][:, at]
        for layers, among in (("all", np.ones_like(is_global)), ("global", is_global)):
            if not among.any():
                continue
            for definition in DEFINITIONS:
                real, null = own[definition][:, at], chance[definition][:, at]
                best = crossfit_heads(real, half, among, "median")
                key = (resolution, layers, definition, motif.name)
                found.values[*key, "best"] = best.values
                found.random[*key, "best"] = _same_heads(null, best, half)
                found.values[*key, "mean"] = head_mean(real, among)
                found.random[*key, "mean"] = head_mean(null, among)


def _same_heads(values: Array, best: Chosen, half: NDArray[np.bool_]) -> Array:
    out = np.full(values.shape[1], np.nan)
    for side in (False, True):
        head = best.of(side)
        if head is not None:
            out[half == side] = values[head, half == side]
    return out


def _chosen(
    snr: SnrValues,
    resolution: str,
    windows: SharedWindows,
    motif_sites: Sequence[MotifSites],
    n_heads: int,
) -> Chosen:
    """Heads by the mean ratio over all motifs' sites."""
    values = [snr.every_head[resolution, t.name] for t in motif_sites]
    halves = [windows.second_half[t.with_site] for t in motif_sites]
    everything = np.ones(n_heads, dtype=bool)
    return crossfit_heads(
        np.concatenate(values, axis=1), np.concatenate(halves), everything, "median"
    )


def recover(
    tracks: NDArray[np.floating],
    windows: SharedWindows,
    motif_sites: Sequence[MotifSites],
    n_heads: int,
) -> dict[str, Recovery]:
    """AUROC of every head; of the head chosen by it on the other half, AUPRC and recall too."""
    offsets, half = windows.by_record.offsets, windows.second_half
    n = len(windows.records)
    areas = auroc(tracks, offsets, [p for t in motif_sites for p in (t.places, t.decoys)])
    found = {}
    for i, motif in enumerate(motif_sites):
        own, other = areas[2 * i], areas[2 * i + 1]
        at = motif.with_site
        values = by_sequence(own, motif.places, n)[:, at]
        best = crossfit_heads(values, half[at], np.ones(n_heads, dtype=bool), "mean")
        precision = np.full(len(at), np.nan)
        rate = np.full(len(at), np.nan)
        curves = np.full((len(at), len(SHARES)), np.nan)
        for k, record in enumerate(at.tolist()):
            span = windows.by_record.span(record)
            known = motif.known[span]
            is_site = motif.inside[span][known]
            rate[k] = is_site.mean()
            head = best.of(bool(half[record]))
            if head is not None:
                score = tracks[head, span][known].astype(np.float32)
                precision[k] = average_precision(score, is_site)
                curves[k] = recall_curve(score, is_site)
        found[motif.name] = Recovery(
            best.values, precision, rate,
            decoy_auroc(other, motif.decoys, half, best.head, FEWEST_PER_HALF),
            centre(curves, "mean", axis=0),
        )  # fmt: skip
    return found


def _without_tracks(scores: Scores) -> Scores:
    """The numbers per head alone."""
    return replace(scores, received=np.zeros((len(scores.entropy), 0), np.float16), replaced=None)


def _sink_heads(
    reader: Reader, scores: Scores, windows: SharedWindows, coarsest: int
) -> int | None:
    """A place is as wide as what one token of the coarsest model spreads over in six frames."""
    width = 2 * coarsest - 1
    sequences = windows.sequences
    long = sequences.lengths >= SINK_WINDOW * width
    if not long.any():
        return None
    received, offsets = scores.received, sequences.offsets
    if not long.all():
        received = received[:, long[sequences.number]]
        offsets = sequences.take(np.flatnonzero(long)).offsets
    table = sink_table(reader.model.config, received, offsets, scores.cls_share, width=width)
    return int((table["sink_sequences"] > 0).sum())
