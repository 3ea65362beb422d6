"""Windows of a long sequence: where they give what the whole gives, and where their seams lie."""

from __future__ import annotations

import random

import numpy as np
import pytest

from benchmarks.attention_seams import (
    REACH,
    local_difference,
    local_model,
    permutation_p,
    seams,
    with_context,
)
from nucel_interp.scoring import score_sequences
from nucel_model import Nucel

LAYERS = 2
TEXT = "".join(random.Random(0).choices("ACGT", k=4095))


@pytest.fixture(scope="module")
def model() -> Nucel:
    return local_model(LAYERS, 2, len(TEXT))


def test_far_from_a_windows_edge_attention_is_that_of_the_whole_sequence(model):
    far, near = local_difference(model, 512, TEXT)
    assert far < 1e-5
    assert near > 1e-2, "the model must look far enough for windows to matter"


def test_stitched_log_odds_are_those_of_the_whole_sequence(model):
    # half of a window of 512 is kept: its bases lie 128 from an edge, as far as two layers reach
    assert LAYERS * REACH == 512 // 4
    direct = score_sequences(model, [TEXT])
    stitched = score_sequences(with_context(model, 512), [TEXT])
    assert direct.replaced is not None
    assert stitched.replaced == pytest.approx(direct.replaced, abs=1e-5)
    assert np.ptp(direct.replaced) > 0.01


def test_seams_lie_half_a_window_apart():
    found = seams(1000, 256)
    assert np.diff(found)[:-1].tolist() == [128] * (len(found) - 2)
    assert found[0] == 192
    assert seams(256, 256).size == 0


def test_the_permutation_tells_larger_steps_from_equal_ones():
    rng = np.random.default_rng(1)
    steps = rng.exponential(size=400)
    assert permutation_p(steps[:200] + 0.5, steps[200:]) == 0.001
    assert 0.05 < permutation_p(steps[:200], steps[200:]) < 0.95
