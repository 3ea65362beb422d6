"""Six frames of one sequence: where they lie, their average, and what it does to a track."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.errors import InputError
from nucel_interp.scoring import score_sequences
from nucel_interp.scoring.frames import average_frames, fewer_frames, frame_spans, n_frames
from nucel_interp.scoring.resolution import blur
from tests.interp.scoring.letter_model import VALUE, LetterModel, Shape
from tests.toy import dna

STEP = 2.0**-10


def letter_track(sequence: str) -> np.ndarray:
    return np.array([VALUE.get(c, np.nan) for c in sequence])


@pytest.mark.parametrize("length", [*range(0, 26), 60, 61])
def test_frame_s_begins_at_base_s_and_is_cut_to_a_multiple_of_six(length: int) -> None:
    spans = frame_spans(length, 6)
    assert [start for start, _ in spans] == list(range(max(0, min(6, length - 5))))
    for start, end in spans:
        assert (end - start) % 6 == 0
        assert end - start >= 6
        assert end <= length < end + 6


@pytest.mark.parametrize("length", [6, 9, 11, 12, 17, 61])
def test_both_strands_are_cut_into_the_same_tokens(length: int) -> None:
    def words(spans: list[tuple[int, int]]) -> set[tuple[int, int]]:
        return {(at, at + 6) for start, end in spans for at in range(start, end, 6)}

    forward = words(frame_spans(length, 6))
    assert {(length - end, length - start) for start, end in forward} == forward


def test_five_bases_at_either_end_have_fewer_frames() -> None:
    assert n_frames(14, 6).tolist() == [1, 2, 3, 4, 5, 6, 6, 6, 6, 5, 4, 3, 2, 1]
    assert n_frames(8, 6).tolist() == [1, 2, 3, 3, 3, 3, 2, 1]
    assert n_frames(5, 6).tolist() == [0] * 5
    flags = fewer_frames(np.array([0, 14, 14, 22]), 6)
    assert np.flatnonzero(~flags).tolist() == [5, 6, 7, 8]
    assert not fewer_frames(np.array([0, 14]), 1).any()


def test_average_worked_by_hand() -> None:
    # 8 bases: tokens 0-5, 1-6, 2-7; values 1, 2, 6
    frames = [np.full((1, 6), v) for v in (1.0, 2.0, 6.0)]
    got = average_frames(frames, 8, 6)[0]
    assert got.tolist() == pytest.approx([1, 1.5, 3, 3, 3, 3, 4, 6])
    frames[1][0, 0] = np.nan  # an N at base 1 of frame 1, and of frame 0
    frames[0][0, 1] = np.nan
    got = average_frames(frames, 8, 6)[0]
    assert np.isnan(got[1])
    assert got[[0, *range(2, 8)]].tolist() == pytest.approx([1, 3, 3, 3, 3, 4, 6])


@pytest.mark.parametrize("length", [6, 8, 11, 50, 600])
def test_under_the_mass_rule_frames_and_average_total_their_length(length: int) -> None:
    model = LetterModel(Shape(context_bp=600))
    sequence = dna(length)
    spans = frame_spans(length, 6)
    frames = [
        model.profile_sequences([sequence[a:b]], rule="mass").received[0, 0].numpy()
        for a, b in spans
    ]
    for track, (start, end) in zip(frames, spans, strict=True):
        assert track.sum(axis=1, dtype=float) == pytest.approx(end - start, rel=1e-5)
    average = average_frames(frames, length, 6, "mass")
    assert average.sum(axis=1, dtype=float) == pytest.approx(length, rel=1e-5)


def test_without_rescaling_an_average_under_the_mass_rule_totals_something_else() -> None:
    # frames 0-5, 1-6, 2-7 of 8 bases, the first with all its mass on base 0
    frames = [np.eye(1, 6) * 6, np.ones((1, 6)), np.ones((1, 6))]
    assert average_frames(frames, 8, 6).sum() == pytest.approx(6 + 0.5 + 4 * 2 / 3 + 2)
    assert average_frames(frames, 8, 6, "mass").sum() == pytest.approx(8)


@pytest.mark.parametrize("length", [6, 7, 11, 12, 40, 59])
def test_six_frames_blur_a_track_exactly_as_blur_does(length: int) -> None:
    sequence = dna(length, 3)
    got = score_sequences(LetterModel(), [sequence], strands="forward", frames=True)
    want = blur(letter_track(sequence), np.array([0, length]))
    np.testing.assert_allclose(got.received[0].astype(float), want, rtol=STEP)


def test_one_frame_does_not_blur_so() -> None:
    sequence = dna(59, 3)
    got = score_sequences(LetterModel(), [sequence], strands="forward").received[0].astype(float)
    assert np.abs(got - blur(letter_track(sequence), np.array([0, 59]))).max() > 0.1
    assert got[:6] == pytest.approx(letter_track(sequence)[:6].mean(), rel=STEP)


def test_frames_of_many_sequences_are_those_of_each_alone() -> None:
    sequences = [dna(n, n) for n in (6, 30, 31, 60, 12, 30)] + [""]
    together = score_sequences(LetterModel(), sequences, frames=True)
    alone = [score_sequences(LetterModel(), [s], frames=True).received for s in sequences]
    assert np.array_equal(together.received, np.concatenate(alone, axis=1))
    assert np.isfinite(together.received).all()


def test_six_frames_read_alike_from_either_end_and_one_does_not() -> None:
    def apart(frames: bool) -> float:
        # the same letters from the other end: what differs is where tokens lie
        sequence, model = dna(45, 5), LetterModel()  # one window
        here, there = (
            score_sequences(model, [text], strands="forward", frames=frames).received[0]
            for text in (sequence, sequence[::-1])
        )
        return float(np.abs(here.astype(float) - there[::-1]).max())

    assert apart(frames=True) < 2 * STEP
    assert apart(frames=False) > 0.1


def test_shares_and_entropy_are_means_over_readings() -> None:
    got = score_sequences(LetterModel(), [dna(30), dna(7)], frames=True)
    assert got.cls_share == pytest.approx(0.25)
    assert got.entropy == pytest.approx(1.0)


def test_a_sequence_without_a_whole_token_is_refused() -> None:
    with pytest.raises(InputError, match=r"1 of 3 sequences are shorter than the 6 bases"):
        score_sequences(LetterModel(), [dna(12), dna(5), ""], frames=True)


def test_n_hides_its_own_base_alone() -> None:
    sequence = dna(20) + "NN" + dna(20, 1)
    got = score_sequences(LetterModel(), [sequence], frames=True)
    # 20 bases from base 5 on are two words and three left over, which the N cuts off
    assert np.flatnonzero(np.isnan(got.received[0])).tolist() == [20, 21]
