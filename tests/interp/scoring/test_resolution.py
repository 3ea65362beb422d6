"""Matched resolution against its plain definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nucel_interp.scoring.frames import average_frames, frame_spans
from nucel_interp.scoring.resolution import blur, to_bins


def by_definition(track: np.ndarray, token_bp: int = 6) -> np.ndarray:
    """Box averages in every frame, then the average over frames; base by base."""
    length = len(track)
    values: list[list[float]] = [[] for _ in range(length)]
    for frame in range(token_bp):
        for start in range(frame, length - token_bp + 1, token_bp):
            box = track[start : start + token_bp]
            if np.isnan(box).all():
                continue
            for i in range(start, start + token_bp):
                values[i].append(np.nanmean(box))
    mean = [np.mean(v) if v else np.nan for v in values]
    return np.where(np.isnan(track), np.nan, mean)


@pytest.mark.parametrize("length", [1, 5, 6, 7, 10, 11, 12, 13, 40])
def test_blur_is_boxes_averaged_over_frames(length: int) -> None:
    track = np.random.default_rng(length).random(length)
    got = blur(track, np.array([0, length]))
    np.testing.assert_allclose(got, by_definition(track), rtol=1e-12)


def test_blur_is_the_frame_average_of_boxes() -> None:
    track = np.random.default_rng(0).random((3, 31))
    frames = [
        np.repeat(track[:, a:b].reshape(3, -1, 6).mean(axis=2), 6, axis=1)
        for a, b in frame_spans(31, 6)
    ]
    np.testing.assert_allclose(
        blur(track, np.array([0, 31])), average_frames(frames, 31, 6), rtol=1e-6
    )


def test_inside_a_sequence_the_kernel_is_a_triangle_of_width_eleven() -> None:
    track = np.zeros(41)
    track[20] = 36
    got = blur(track, np.array([0, 41]))
    assert got[15:26] == pytest.approx([1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1])
    assert not got[:15].any()
    assert not got[26:].any()


def test_blur_keeps_gaps_and_leaves_them_out() -> None:
    track = np.random.default_rng(1).random(60)
    track[[3, 17, 18, *range(30, 43)]] = np.nan
    got = blur(track, np.array([0, 60]))
    np.testing.assert_allclose(got, by_definition(track), rtol=1e-12)
    assert np.array_equal(np.isnan(got), np.isnan(track))


def test_blur_does_not_reach_into_the_neighbouring_sequence() -> None:
    rng = np.random.default_rng(2)
    lengths = [13, 0, 6, 4, 30]
    offsets = np.cumsum([0, *lengths])
    values = rng.random((2, offsets[-1])).astype(np.float16)
    got = blur(values, offsets)
    assert got.dtype == np.float16
    for begin, end in pairwise(offsets):
        alone = blur(values[:, begin:end], np.array([0, end - begin]))
        assert np.array_equal(got[:, begin:end], alone, equal_nan=True)
    assert np.isnan(got[:, 19:23]).all()  # four bases hold no token


def test_a_constant_track_stays_as_it_is() -> None:
    track = np.full((1, 23), 1.25, dtype=np.float32)
    assert np.array_equal(blur(track, np.array([0, 12, 23])), track)


def test_bins_are_the_tokens_of_one_frame() -> None:
    track = np.arange(20, dtype=np.float64)
    track[8] = np.nan
    got = to_bins(track, np.array([0, 13, 20]))
    first = [2.5] * 6 + [6, 7, np.nan] + [9, 10, 11, 12]
    second = [15.5] * 6 + [19]
    np.testing.assert_array_equal(got, [*first, *second])


def test_bins_of_many_heads_keep_shape_and_mean() -> None:
    values = np.random.default_rng(3).random((2, 3, 24)).astype(np.float32)
    got = to_bins(values, np.array([0, 24]))
    assert got.shape == values.shape
    assert got.dtype == values.dtype
    np.testing.assert_allclose(got.mean(axis=-1), values.mean(axis=-1), rtol=1e-6)
    assert to_bins(values[..., :0], np.array([0])).shape == (2, 3, 0)
