"""Where the score comes from: a model's heads, its discriminator, or a user's own track."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.score_track import score_track
from nucel_interp.analysis.study import Copy, Study, Track
from nucel_interp.progress import Stages
from nucel_interp.score_names import check_score
from nucel_interp.scoring import (
    Scores,
    Unit,
    copies_per_unit,
    draw,
    score_sequences,
    shuffle_records,
    shuffled,
    unread_copies_per_unit,
)
from nucel_interp.scoring.attention import smooth, standardise
from nucel_interp.scoring.readers import reader_of, require, with_heads_like
from nucel_interp.scoring.scores import Strands
from nucel_interp.sequences import Sequences
from nucel_interp.types import HEAD_COLUMNS, Record, reverse_complement

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

PERMUTATIONS = 20
TRACK_UNIT_BP = 1000
"""Longest unit where no model's context says it."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A study, and what else the scoring found out.

    Attributes:
        folds: Ready for the engine: the input with one half as its test half, then with the other.
            Heads, scale and threshold of each come from its own discovery half. A single one, with
            no test half, where there are too few units to split.
        controls: The same with a shuffled copy in the input's place and the other copies as its
            null; a model's heads are chosen anew for it.
        heads: `types.HEAD_COLUMNS`; empty unless attention is the score.
        scores: Every head's track and the discriminator's; None for a user's track.
        shuffled: The same of the first shuffled copy.
    """

    folds: list[Study]
    controls: list[Study]
    heads: pd.DataFrame
    scores: Scores | None
    shuffled: Scores | None = None


@dataclass(frozen=True, eq=False)
class Texts:
    """The input cut into units, with all shuffled sequences: whole records and units of each."""

    units: list[Unit]
    offsets: NDArray[np.int64]
    copies: list[list[str]]
    trimers: list[list[str]]

    def in_units(self, per_record: list[str]) -> Sequences:
        """Records' sequences as units' sequences."""
        return _in_units(self.units, per_record)


def make_texts(records: list[Record], units: list[Unit], seed: int, stages: Stages) -> Texts:
    """Shuffle every unit as often as the null needs."""
    lengths = [u.end - u.start for u in units]
    n_copies, n_trimers = copies_per_unit(sum(lengths)), unread_copies_per_unit(sum(lengths))
    copies, trimers = [], []
    with stages.stage("shuffling", n_copies + n_trimers) as step:
        for copy in range(n_copies):
            copies.append(shuffle_records(records, units, k=2, seed=seed, copy=copy))
            step(1)
        for copy in range(n_trimers):
            trimers.append(shuffle_records(records, units, k=3, seed=seed, copy=copy))
            step(1)
    return Texts(units, _offsets(units), copies, trimers)


def model_study(
    model: Nucel,
    records: list[Record],
    texts: Texts,
    test: NDArray[np.bool_],
    *,
    score: str,
    strands: Strands,
    seed: int,
    stages: Stages,
) -> Scored:
    """Run the model on the records and on their shuffled copies, and make the score.

    Raises:
        FolderError: ``discriminator`` was asked of a model without that head.
    """
    n_bases = int(texts.offsets[-1])
    require(model, check_score(score))
    given = [[r.sequence for r in records], *texts.copies]
    with stages.stage("reading with the model", n_bases * len(given)) as step:
        real, *null = (
            score_sequences(model, some, strands=strands, also=reader_of(score), on_progress=step)
            for some in given
        )
    folds, controls, tables = [], [], []
    with stages.stage("choosing heads", 1):
        for half in both_halves(test):
            in_test = np.repeat(half, np.diff(texts.offsets))
            track, null_tracks, heads = score_track(model.config, real, null, in_test, score)
            folds.append(_study(texts, half, track, null_tracks, null_tracks))
            shuffled_track, rest, _ = score_track(model.config, null[0], null[1:], in_test, score)
            controls.append(_control(folds[-1], shuffled_track, rest, rest, seed))
            tables.append(heads)
    return Scored(folds, controls, _heads_of_folds(tables), real, null[0])


def both_halves(test: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The test half, and the other half as test half; one alone if the units are not split."""
    return [test, ~test] if test.any() else [test]


def _heads_of_folds(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The first fold's table; a head counts as chosen if either fold chose it, and says which."""
    import pandas as pd

    first = tables[0].copy()
    if not len(first):
        return pd.DataFrame(columns=HEAD_COLUMNS)
    key = ["layer", "head"]
    chosen = [set(map(tuple, t.loc[t["chosen"], key].to_numpy().tolist())) for t in tables]
    places = list(map(tuple, first[key].to_numpy().tolist()))
    first["chosen_in"] = [
        ",".join(str(i) for i, mine in enumerate(chosen, start=1) if place in mine)
        for place in places
    ]
    first["chosen"] = first["chosen_in"] != ""
    first = first.sort_values(["chosen", "exceedance"], ascending=False, kind="stable")
    return first[HEAD_COLUMNS].reset_index(drop=True)


def untrained_tracks(
    model: Nucel,
    records: list[Record],
    texts: Texts,
    test: NDArray[np.bool_],
    *,
    score: str,
    strands: Strands,
    seed: int,
    stages: Stages,
) -> tuple[Scores, list[Track]]:
    """Every head of a randomly initialised model of the same shape, and its score, per fold.

    No score is made for ``discriminator``: without a trained head there is nothing to compare with.
    """
    from nucel_model import untrained_twin

    twin = with_heads_like(untrained_twin(model, seed), model, seed)
    given = [[r.sequence for r in records], texts.copies[0]]
    with stages.stage("reading with random weights", 2 * int(texts.offsets[-1])) as step:
        real, null = (
            score_sequences(twin, some, strands=strands, also=reader_of(score), on_progress=step)
            for some in given
        )
    if score == "discriminator":
        return real, []
    lengths = np.diff(texts.offsets)
    return real, [
        score_track(twin.config, real, [null], np.repeat(half, lengths), score)[0]
        for half in both_halves(test)
    ]


def track_study(
    values: Sequence[NDArray[np.floating]],
    null_values: Sequence[NDArray[np.floating]] | None,
    texts: Texts,
    test: NDArray[np.bool_],
    seed: int,
) -> Scored:
    """A user's own track, one array per record.

    Without a null track the same track with bases permuted within each unit says how high the
    score gets by chance. That tests contiguity only; the held-out test decides. Shuffled copies of
    a unit keep the unit's track, so a motif counts only if it is where the score is high.
    """
    import pandas as pd

    raw = np.concatenate(values, dtype=np.float64)
    folds, controls = [], []
    for half in both_halves(test):
        track, null_tracks = _user_tracks(
            values, null_values, texts.units, texts.offsets, half, seed
        )
        same = [track] * len(texts.copies)
        folds.append(replace(_study(texts, half, track, same, null_tracks), raw=raw))
        controls.append(_control(folds[-1], track, same[1:], null_tracks, seed))
    return Scored(folds, controls, pd.DataFrame(columns=HEAD_COLUMNS), None)


def sequence_study(texts: Texts, test: NDArray[np.bool_], seed: int) -> Scored:
    """No score at all: for methods that look at sequence alone."""
    values = [np.zeros(u.end - u.start, dtype=np.float32) for u in texts.units]
    scored = track_study(values, values, texts, test, seed)
    return replace(
        scored,
        folds=[replace(f, raw=None) for f in scored.folds],
        controls=[replace(c, raw=None) for c in scored.controls],
    )


def shuffled_studies(
    model: Nucel | None,
    records: list[Record],
    units: list[Unit],
    test: NDArray[np.bool_],
    *,
    runs: int,
    score: str,
    strands: Strands,
    seed: int,
    stages: Stages,
    track: Sequence[NDArray[np.floating]] | None = None,
    null_track: Sequence[NDArray[np.floating]] | None = None,
) -> Iterator[list[Study]]:
    """Studies, by folds, in which shuffled copies of the units stand for the input, one per run.

    Shuffles of a sequence are exchangeable, so copy i with other copies as its null is to the
    pipeline what the input would be without any motif: as many sequences, of the same lengths and
    dinucleotides, and as many null copies as the input gets. Each copy is scored once and serves
    several runs, so the runs are not wholly independent. A model's heads are chosen anew for each.

    A user's track cannot be computed for shuffled sequence: the track stays in its place, and the
    letters below it are shuffled.

    Args:
        model: None for a user's track.
        records: The input.
        units: Its records cut into units.
        test: (units,) bool, the test half.
        runs: How many studies.
        score: For a model.
        strands: For a model.
        seed: Of the shuffles.
        stages: Told about the scoring.
        track: The user's track, one array per record.
        null_track: Its null.

    Raises:
        FolderError: ``discriminator`` was asked of a model without that head.
    """
    offsets = _offsets(units)
    n_null = copies_per_unit(int(offsets[-1]))
    n_copies = max(runs, n_null + 1)
    with stages.stage("shuffling", n_copies) as step:
        copies = []
        for copy in range(n_copies):
            copies.append(shuffle_records(records, units, k=2, seed=seed, copy=copy))
            step(1)
    halves = both_halves(test)
    scored: list[Scores] = []
    if model is not None:
        require(model, check_score(score))
        with stages.stage("reading with the model", n_copies * int(offsets[-1])) as step:
            scored = [
                score_sequences(model, c, strands=strands, also=reader_of(score), on_progress=step)
                for c in copies
            ]
    else:
        assert track is not None
        given = [_user_tracks(track, null_track, units, offsets, half, seed) for half in halves]
    texts = [_in_units(units, c) for c in copies]
    for run in range(runs):
        others = [(run + 1 + i) % n_copies for i in range(n_null)]
        folds = []
        for number, half in enumerate(halves):
            if model is not None:
                in_test = np.repeat(half, np.diff(offsets))
                own, copy_tracks, _ = score_track(
                    model.config, scored[run], [scored[i] for i in others], in_test, score
                )
                threshold_null = copy_tracks
            else:
                own, threshold_null = given[number]
                copy_tracks = [own] * n_null
            study = Study(
                sequences=texts[run],
                test=half,
                track=own,
                copies=[Copy(texts[i], t) for i, t in zip(others, copy_tracks, strict=True)],
                threshold_null=threshold_null,
                trimers=[],
            )
            folds.append(study)
        trimers = _trimers(texts[run], unread_copies_per_unit(int(offsets[-1])), seed)
        yield [replace(fold, trimers=trimers) for fold in folds]


def _user_tracks(
    values: Sequence[NDArray[np.floating]],
    null_values: Sequence[NDArray[np.floating]] | None,
    units: list[Unit],
    offsets: NDArray[np.int64],
    test: NDArray[np.bool_],
    seed: int,
) -> tuple[Track, list[Track]]:
    """A user's track as z, and the tracks that say how high it gets by chance."""
    in_test = np.repeat(test, np.diff(offsets))
    given = [values] if null_values is None else [values, null_values]
    raw, *nulls = _to_scale([np.concatenate(v, dtype=np.float64) for v in given], in_test)
    if null_values is None:
        nulls = list(_permuted(raw, units, offsets, seed))
    one_bin = np.zeros(len(raw), dtype=np.int64)
    smoothed = [smooth(n, offsets) for n in nulls]
    return standardise(smooth(raw, offsets), smoothed, one_bin, in_test)


def _offsets(units: list[Unit]) -> NDArray[np.int64]:
    """(units + 1,) where each unit begins among all bases."""
    return np.cumsum([0, *(u.end - u.start for u in units)]).astype(np.int64)


def _in_units(units: list[Unit], per_record: list[str]) -> Sequences:
    """Records' sequences as units' sequences."""
    return Sequences(per_record[u.record][u.start : u.end] for u in units)


def _trimers(sequences: Sequences, n: int, seed: int) -> list[list[str]]:
    """Copies of shuffled sequences that keep their 3-mers."""
    return [[shuffled(s, k=3, seed=seed, copy=i) for s in sequences] for i in range(n)]


def _study(
    texts: Texts,
    test: NDArray[np.bool_],
    track: Track,
    copy_tracks: list[Track],
    threshold_null: list[Track],
) -> Study:
    """The units with their scores, and their copies with theirs."""
    return Study(
        sequences=Sequences(u.sequence for u in texts.units),
        test=test,
        track=track,
        copies=[Copy(texts.in_units(c), t) for c, t in zip(texts.copies, copy_tracks, strict=True)],
        threshold_null=threshold_null,
        trimers=[list(texts.in_units(t)) for t in texts.trimers],
    )


def _control(
    study: Study, track: Track, copy_tracks: list[Track], threshold_null: list[Track], seed: int
) -> Study:
    """The first shuffled copy as input, the others as its copies."""
    sequences, rest = study.copies[0].sequences, study.copies[1:]
    return Study(
        sequences=sequences,
        test=study.test,
        track=track,
        copies=[Copy(c.sequences, t) for c, t in zip(rest, copy_tracks, strict=True)],
        threshold_null=threshold_null,
        trimers=_trimers(sequences, len(study.trimers), seed),
        raw=study.raw,
    )


def _to_scale(tracks: list[NDArray[np.float64]], in_test: NDArray[np.bool_]) -> list[Track]:
    """Tracks in units of the last one's deviation from its mean, on the discovery half.

    Gradients of 1e-9 and signals on a baseline of 1e8 would lose their digits otherwise.
    """
    null = tracks[-1]
    known = null[~np.isnan(null) & ~in_test]
    largest = float(np.abs(known).max(initial=0)) or 1.0
    centre = float((known / largest).mean()) if known.size else 0.0
    spread = float((known / largest).std()) if known.size else 1.0
    # a rest of rounding is no spread
    spread = spread if spread > 1e-12 * max(1.0, abs(centre)) else 1.0
    return [((t / largest - centre) / spread).astype(np.float32) for t in tracks]


def _permuted(
    raw: Track, units: list[Unit], offsets: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    """(20, bases): the values of each unit in random order, missing ones where they are."""
    out = np.tile(raw, (PERMUTATIONS, 1))
    known = ~np.isnan(raw)
    for unit, (begin, end) in zip(units, pairwise(offsets.tolist()), strict=True):
        at = begin + np.flatnonzero(known[begin:end])
        if unit.sequence > reverse_complement(unit.sequence):
            at = at[::-1]  # the same draw meets the same bases, whichever strand is given
        rng = np.random.default_rng(draw(seed, unit.sequence, "permute").getrandbits(64))
        values = np.broadcast_to(raw[at], (PERMUTATIONS, len(at)))
        out[:, at] = rng.permuted(values, axis=1)
    return out
