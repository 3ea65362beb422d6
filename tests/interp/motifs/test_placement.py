"""Where sites lie in their seqlets: learned from a preference, flat without one."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.motifs.placement import learned_placement
from nucel_interp.motifs.seqlet_windows import PER_BIT, Regions, SeqletWindows, hundredths
from nucel_interp.sequences import Sequences

REACH = 39
WIDTH = 10


def anywhere(rng: np.random.Generator, n: int, width: int = WIDTH) -> np.ndarray:
    """Distances of sites at random columns, in half bases."""
    start = rng.integers(0, REACH - width + 1, n)
    return np.abs(2 * start + width - REACH)


def test_no_sites_no_preference() -> None:
    assert not learned_placement([], REACH).any()
    assert learned_placement([(np.zeros(0, dtype=np.int64), 8)], REACH).shape == (REACH + 1,)


@pytest.mark.parametrize("widths", [(10,), (6, 10, 21)])
def test_sites_anywhere_are_worth_nothing_wherever_they_lie(widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    worth = learned_placement([(anywhere(rng, 20_000, w), w) for w in widths], REACH)
    reached = worth[: REACH - max(widths)]
    assert np.abs(reached).max() < 0.15 * PER_BIT


def test_a_few_sites_in_one_place_say_little() -> None:
    worth = learned_placement([(np.full(20, 1), WIDTH)], REACH)
    assert 0 < worth.max() < 0.3 * PER_BIT


def test_many_sites_near_the_middle_are_worth_bits_there_and_cost_bits_elsewhere() -> None:
    rng = np.random.default_rng(1)
    middle = np.abs(rng.integers(-4, 5, 5_000))
    worth = learned_placement([(middle, WIDTH)], REACH)
    assert worth[0] > 1.0 * PER_BIT
    assert worth[20] < -1.0 * PER_BIT
    assert np.array_equal(worth, np.rint(worth))


def test_a_preference_beside_the_middle_is_found_too() -> None:
    worth = learned_placement([(np.full(3_000, 14), WIDTH)], REACH)
    assert abs(int(worth.argmax()) - 14) <= 1
    assert worth[0] < 0


def test_of_equal_sites_the_one_that_placement_prefers() -> None:
    text = "AAAAAAAAGGGAAAAGGGAAAAAAAAAA"  # GGG at 8 and, nearer the middle of 2..26, at 15
    at = np.array([0])
    one = SeqletWindows(Regions(Sequences([text]), at, np.array([2]), np.array([26])))
    odds = hundredths(np.log2(np.array([[0.1, 0.1, 0.7, 0.1]] * 3).T / 0.25))
    plain = one.best([odds])
    placement = np.zeros(40, dtype=np.float32)
    placement[:9] = 50
    near = one.best([odds], placement)
    first, second = (one.sites(at, p, 0, 3)[0].tolist() for p in (plain, near))
    assert first == second == [2, 2, 2]
    assert plain.start[0, 0] < near.start[0, 0]
    assert one.distance(at, near, 0, 3)[0] < one.distance(at, plain, 0, 3)[0]
    assert near.score[0, 0] == plain.score[0, 0] + 50


def test_a_widened_seqlet_keeps_its_own_middle() -> None:
    text, at = "ACGTTGCATCCCATGGATCCAAGTCTTACG", np.array([0])
    cores = Regions(Sequences([text]), at, np.array([0]), np.array([11]))
    wide = Regions(
        Sequences([text]), at, np.array([0]), np.array([16])
    )  # there is no room on the left
    odds = hundredths(np.log2(np.eye(4)[:, [3, 3, 2]] * 0.97 + 0.01) + 2)  # TTG, at 3
    mine = SeqletWindows(wide, cores.start + cores.end)
    assert mine.distance(at, mine.best([odds]), 0, 3).tolist() == [abs(2 * 3 + 3 - 11)]
