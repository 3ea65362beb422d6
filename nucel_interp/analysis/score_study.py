"""Where the score comes from: a model's heads, its discriminator, or a user's own track."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.score_track import score_track
from nucel_interp.analysis.study import Copy, Study, Track
from nucel_interp.progress import Stages
from nucel_interp.score_names import ATTENTION, HEAD_NAME, check_score
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
from nucel_interp.scoring.attention import most_concentrated, smooth, standardise
from nucel_interp.scoring.readers import reader_of, require
from nucel_interp.scoring.scores import Strands
from nucel_interp.sequences import Sequences
from nucel_interp.types import HEAD_COLUMNS, Record

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
        controls: Studies with a shuffled copy in the input's place and the other copies as its
            null; a model's heads are chosen anew for each.
        heads: `types.HEAD_COLUMNS`; empty unless attention is the score.
        scores: Every head's track and the discriminator's; None for a user's track.
        shuffled: ``scores`` of each shuffled copy.
    """

    folds: list[Study]
    controls: list[Study]
    heads: pd.DataFrame
    scores: Scores | None
    shuffled: list[Scores] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Texts:
    """The input cut into units, with all shuffled sequences.

    Attributes:
        units: Pieces of the records, in order.
        sequences: Sequences of the units.
        copies: Whole records, dinucleotides kept; one list per copy.
        trimers: Whole records, 3-mers kept.
    """

    units: list[Unit]
    sequences: Sequences
    copies: list[list[str]]
    trimers: list[list[str]]

    def in_units(self, per_record: list[str]) -> Sequences:
        """Records' sequences as units' sequences."""
        return _in_units(self.units, per_record)


def make_texts(records: list[Record], units: list[Unit], seed: int, stages: Stages) -> Texts:
    """Shuffle every unit as often as the null needs."""
    sequences = _sequences(units)
    n_copies = copies_per_unit(sequences.n_bases)
    n_trimers = unread_copies_per_unit(sequences.n_bases)
    copies, trimers = [], []
    with stages.stage("shuffling", n_copies + n_trimers) as step:
        for copy in range(n_copies):
            copies.append(shuffle_records(records, units, k=2, seed=seed, copy=copy))
            step(1)
        for copy in range(n_trimers):
            trimers.append(shuffle_records(records, units, k=3, seed=seed, copy=copy))
            step(1)
    return Texts(units, sequences, copies, trimers)


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
        FolderError: The score is ``discriminator``, and the model has no such head.
    """
    n_bases = texts.sequences.n_bases
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
            in_test = half[texts.sequences.number]
            track, null_tracks, heads = score_track(model.config, real, null, in_test, score)
            fold = _study(texts, half, track, null_tracks, null_tracks)
            folds.append(_with_second(fold, model, real, null, in_test, score))
            shuffled_track, rest, _ = score_track(model.config, null[0], null[1:], in_test, score)
            control = _control(fold, shuffled_track, rest, rest, seed)
            controls.append(_with_second(control, model, null[0], null[1:], in_test, score))
            tables.append(heads)
    return Scored(folds, controls, _heads_of_folds(tables), real, null)


def _with_second(
    study: Study,
    model: Nucel,
    real: Scores,
    null: list[Scores],
    in_test: NDArray[np.bool_],
    score: str,
) -> Study:
    """The study with the most concentrated head as its second reading, where heads are chosen.

    A head that looks at few bases and at these alone is lost in a mean over heads.
    """
    if score != ATTENTION or not null:
        return study
    head = most_concentrated(real, null, ~in_test)
    alone = HEAD_NAME.format(*divmod(head, model.config.num_attention_heads))
    track, null_tracks, _ = score_track(model.config, real, null, in_test, alone)
    copies = [Copy(c.sequences, t) for c, t in zip(study.copies, null_tracks, strict=True)]
    return replace(
        study,
        second=replace(study, track=track, copies=copies, threshold_null=null_tracks),
    )


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
        track, null_tracks = _user_tracks(values, null_values, texts.sequences, half, seed)
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
        units: Pieces that the records were cut into.
        test: (units,) bool, the test half.
        runs: Number of shuffled copies that stand for the input.
        score: Name of the score that a model gives; not used with a track.
        strands: "both" or "forward", for a model; not used with a track.
        seed: Seed of the shuffles.
        stages: Told about the scoring.
        track: The user's track, one array per record.
        null_track: A track of the same score on shuffled sequence, an array per record.

    Raises:
        FolderError: The score is ``discriminator``, and the model has no such head.
    """
    sequences = _sequences(units)
    n_null = copies_per_unit(sequences.n_bases)
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
        with stages.stage("reading with the model", n_copies * sequences.n_bases) as step:
            scored = [
                score_sequences(model, c, strands=strands, also=reader_of(score), on_progress=step)
                for c in copies
            ]
    else:
        assert track is not None
        given = [_user_tracks(track, null_track, sequences, half, seed) for half in halves]
    texts = [_in_units(units, c) for c in copies]
    for run in range(runs):
        others = [(run + 1 + i) % n_copies for i in range(n_null)]
        folds = []
        for number, half in enumerate(halves):
            if model is not None:
                in_test = half[sequences.number]
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
        trimers = _trimers(texts[run], unread_copies_per_unit(sequences.n_bases), seed)
        yield [replace(fold, trimers=trimers) for fold in folds]


def _user_tracks(
    values: Sequence[NDArray[np.floating]],
    null_values: Sequence[NDArray[np.floating]] | None,
    sequences: Sequences,
    test: NDArray[np.bool_],
    seed: int,
) -> tuple[Track, list[Track]]:
    """A user's track as z, and the tracks that say how high it gets by chance."""
    in_test = test[sequences.number]
    given = [values] if null_values is None else [values, null_values]
    raw, *nulls = _to_scale([np.concatenate(v, dtype=np.float64) for v in given], in_test)
    if null_values is None:
        nulls = list(_permuted(raw, sequences, seed))
    one_bin = np.zeros(len(raw), dtype=np.int64)
    smoothed = [smooth(n, sequences.offsets) for n in nulls]
    return standardise(smooth(raw, sequences.offsets), smoothed, one_bin, in_test)


def _sequences(units: list[Unit]) -> Sequences:
    return Sequences(u.sequence for u in units)


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
        sequences=texts.sequences,
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


def _permuted(raw: Track, sequences: Sequences, seed: int) -> NDArray[np.float32]:
    """(20, bases): the values of each unit in random order, missing ones where they are."""
    out = np.tile(raw, (PERMUTATIONS, 1))
    known = ~np.isnan(raw)
    for number, sequence in enumerate(sequences):
        span = sequences.span(number)
        at = span.start + np.flatnonzero(known[span])
        if sequences.flipped[number]:
            at = at[::-1]  # the same draw meets the same bases, whichever strand is given
        rng = np.random.default_rng(draw(seed, sequence, "permute").getrandbits(64))
        values = np.broadcast_to(raw[at], (PERMUTATIONS, len(at)))
        out[:, at] = rng.permuted(values, axis=1)
    return out
