"""What is left at sites beyond the controls: the arithmetic, and that every one must be passed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nucel_interp.controls.auroc import auroc_and_place
from nucel_interp.controls.auroc_weights import site_places
from nucel_interp.controls.beyond import (
    CONTROLS,
    EFFECT,
    Beyond,
    Estimate,
    at_questions,
    beyond_controls,
    both_ways,
)
from nucel_interp.controls.claims import BEST_HEAD, Claim, control_table
from nucel_interp.controls.occurrences import find_occurrences, given_occurrences
from nucel_interp.sequences import Sequences
from nucel_interp.types import CONTROL_COLUMNS, Site
from tests.interp.compare.test_heads import (
    LENGTH,
    WORDS,
    halves,
    laid_out,
    motif,
    planted,
    smooth_noise,
    under_sites,
)
from tests.toy import dna

HEADS = 3
LOOKS = 1
"""The head that looks, where one does."""


@pytest.fixture(scope="module")
def asked():
    """Sequences with a motif in the middle, and the question about it."""
    sequences = planted()
    offsets, half = laid_out(sequences), halves(len(sequences))
    everyone = np.ones(len(sequences), dtype=bool)
    (found,) = find_occurrences(
        Sequences(sequences), np.ones(offsets[-1], bool), [motif("one")], everyone, half, 0
    )
    assert not found.reason
    return sequences, offsets, half, everyone, both_ways("one", found, half)


def noise(offsets, seed: int = 0) -> np.ndarray:
    return smooth_noise(np.random.default_rng(seed), HEADS, int(offsets[-1]))


def looking(sequences, offsets, seed: int = 0, strength: float = 1.5) -> np.ndarray:
    """One of the heads is high at the motif."""
    tracks = noise(offsets, seed)
    tracks[LOOKS] += strength * under_sites(sequences, WORDS["one"])
    return tracks


def claim(asked, tracks, control=None, copies=None) -> Claim:
    _, offsets, half, used, question = asked

    def at(values):
        return at_questions([question], values, offsets, half, used)

    (found,) = beyond_controls(
        [question],
        at(tracks),
        half,
        random_control=at(noise(offsets, 7) if control is None else control),
        shuffled=[at(noise(offsets, 8) if copies is None else copies)],
    )
    return Claim(found, "toy", BEST_HEAD, 1, lambda head: f"0:{head}")


# the arithmetic


@pytest.mark.parametrize("lengths", [(40,), (30, 40, 50)])
def test_auroc_and_place_agree_with_their_definitions(lengths) -> None:
    rng = np.random.default_rng(3)
    sizes = [lengths[i % len(lengths)] for i in range(24)]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    half = halves(24)
    track = rng.normal(size=offsets[-1]).round(1)
    sites = [Site(i, int(s := rng.integers(0, 20)), int(s) + 8, "+", 0, 0) for i in range(0, 24, 2)]
    places = site_places([sites], offsets, np.ones(offsets[-1], bool))
    everyone = np.ones(24, dtype=bool)
    (got,) = auroc_and_place(track[None], offsets, half, everyone, [places])
    tracks = [track[a:b] for a, b in pairwise(offsets)]

    def plain(values, site) -> float:
        inside = np.zeros(len(values), bool)
        inside[site.start : site.end] = True
        a, b = values[inside][:, None], values[~inside][None]
        return float(((a > b) + 0.5 * (a == b)).mean()) - 0.5

    for cell, site in enumerate(sites):
        i = site.record
        assert got.values[0, cell] == pytest.approx(plain(tracks[i], site))
        if len(lengths) == 1:
            others = [plain(tracks[j], site) for j in range(24) if j != i and half[j] == half[i]]
            assert got.by_place[0, cell] == pytest.approx(np.mean(others))
    assert np.isfinite(got.by_place).all()


def test_what_lies_alike_in_every_sequence_is_place_alone_whatever_the_lengths() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(60, 120, size=60)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    ends = [np.minimum(np.arange(n), n - 1 - np.arange(n)) for n in sizes]
    hill = np.concatenate(ends) + rng.normal(scale=0.01, size=offsets[-1])
    sites = [Site(i, int(n) // 2 - 5, int(n) // 2 + 5, "+", 0, 0) for i, n in enumerate(sizes)]
    places = site_places([sites], offsets, np.ones(offsets[-1], bool))
    everyone = np.ones(60, dtype=bool)
    (got,) = auroc_and_place(hill[None], offsets, halves(60), everyone, [places])
    assert got.values.mean() > 0.4
    assert abs(got.beyond_place.mean()) < 0.05


# no control alone lets pass


def test_a_head_that_looks_is_found_and_named(asked) -> None:
    sequences, offsets, *_ = asked
    got = claim(asked, looking(sequences, offsets))
    assert got.verdict == "yes"
    assert got.beyond.heads == (LOOKS, LOOKS)
    assert got.sentence.startswith("Head 0:1 of toy looks at one: AUROC 0.")
    assert set(got.beyond.measured) == set(CONTROLS)


def test_noise_is_not_looked_at(asked) -> None:
    claims = [claim(asked, noise(asked[1], seed), noise(asked[1], 50 + seed)) for seed in range(12)]
    assert all(c.verdict != "yes" for c in claims)
    assert sum(c.verdict == "no" for c in claims) >= 10


def test_a_head_that_likes_the_middle_is_not_enough(asked) -> None:
    _, offsets, *_ = asked
    hill = np.tile(np.exp(-(((np.arange(LENGTH) - 60) / 20) ** 2)), len(offsets) - 1)
    got = claim(asked, noise(offsets) / 3 + hill)
    assert got.beyond.auroc.value > 0.6
    assert got.verdict != "yes"
    assert "place" in got.beyond.fails()


def test_a_head_that_likes_a_composition_is_not_enough() -> None:
    # sites of AAAAAA among equal letters, and a head that is high wherever A stands
    rng = np.random.default_rng(1)
    texts = [dna(100, rng) for _ in range(160)]
    starts = rng.integers(5, 80, size=160)
    texts = [t[:s] + "AATAAA" + t[s + 6 :] for t, s in zip(texts, starts, strict=True)]
    offsets, half = laid_out(texts), halves(160)
    sites = [Site(i, int(s), int(s) + 6, "+", 0, 0) for i, s in enumerate(starts)]
    known = np.ones(offsets[-1], bool)
    likes = np.array([c in "AT" for c in "".join(texts)], dtype=float)
    tracks = rng.normal(size=(1, offsets[-1])) + 2 * likes
    found = given_occurrences("rich", sites, Sequences(texts), known, half, 0)
    question = both_ways("rich", found, half)
    used = np.ones(160, dtype=bool)

    def at(values):
        return at_questions([question], values, offsets, half, used)

    other = rng.normal(size=(1, offsets[-1]))
    (got,) = beyond_controls(
        [question], at(tracks), half, random_control=at(other), shuffled=[at(other)]
    )
    assert got.auroc.value > 0.7
    assert got.verdict() != "yes"
    assert got.left["composition"].value < EFFECT


def test_random_intervals_count_as_the_sites_are_composed() -> None:
    # one letter in two is G or C; of the sites three in four are
    rng = np.random.default_rng(4)
    texts = [dna(120, rng) for _ in range(80)]
    starts = rng.integers(5, 100, size=80)
    texts = [t[:s] + "GCGATCCG" + t[s + 8 :] for t, s in zip(texts, starts, strict=True)]
    offsets = laid_out(texts)
    sites = [Site(i, int(s), int(s) + 8, "+", 0, 0) for i, s in enumerate(starts)]
    known = np.ones(offsets[-1], bool)
    found = given_occurrences("rich", sites, Sequences(texts), known, halves(80), 0).other
    counts = np.repeat(found.cell_counts, np.diff(np.append(found.first, len(found.unit))))
    whole = "".join(texts)
    cells = [whole[a:b] for a, b in zip(found.start, found.end, strict=True)]
    share = np.array([sum(c in "GC" for c in text) / 8 for text in cells])
    assert len(cells) > 20
    assert np.average(share, weights=counts) == pytest.approx(0.75)


def test_what_random_weights_do_as_well_is_not_enough(asked) -> None:
    sequences, offsets, *_ = asked
    got = claim(asked, looking(sequences, offsets), control=looking(sequences, offsets, 3))
    assert got.verdict != "yes"
    assert got.beyond.fails() == ["random_control"]
    assert "randomly initialised weights" in got.sentence


def test_what_is_as_high_in_shuffled_copies_is_not_enough(asked) -> None:
    sequences, offsets, *_ = asked
    got = claim(asked, looking(sequences, offsets), copies=looking(sequences, offsets, 3))
    assert got.verdict != "yes"
    assert got.beyond.fails() == ["shuffled_sequence"]


def test_a_head_below_one_half_is_never_said_to_look(asked) -> None:
    # low everywhere near the middle, less low at the motif: above its decoys, below other bases
    sequences, offsets, *_ = asked
    hill = np.tile(np.exp(-(((np.arange(LENGTH) - 60) / 20) ** 2)), len(offsets) - 1)
    tracks = noise(offsets) / 3 - 6 * hill
    tracks[LOOKS] += 1.5 * under_sites(sequences, WORDS["one"])
    got = claim(asked, tracks)
    assert got.beyond.left["composition"].interval()[0] > 0
    assert got.beyond.auroc.value < 0.5
    assert got.verdict == "no"


def test_a_control_that_was_not_measured_forbids_the_claim(asked) -> None:
    sequences, offsets, half, used, question = asked
    at = at_questions([question], looking(sequences, offsets), offsets, half, used)
    (got,) = beyond_controls([question], at, half)
    assert got.verdict() == "cannot tell"
    said = Claim(got, "toy", BEST_HEAD, 1, str).sentence
    assert "randomly initialised weights and the same places of shuffled copies could not" in said


# the rule


def beyond(auroc: float = 0.7, se: float = 0.01, n: int = 100, **left: float) -> Beyond:
    values = dict.fromkeys(CONTROLS, 0.2) | left
    return Beyond(
        "m",
        Estimate(auroc, se, n),
        {name: Estimate(v, se, n) for name, v in values.items()},
        (0, 0),
        (0, 0),
    )


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (beyond(), "yes"),
        (beyond(auroc=0.54), "cannot tell"),
        (beyond(auroc=0.52), "no"),
        (beyond(place=0.045), "cannot tell"),
        (beyond(composition=0.01), "no"),
        (beyond(random_control=-0.2), "no"),
        (beyond(se=0.11), "cannot tell"),
        (Beyond("m", None, dict.fromkeys(CONTROLS), reason="few"), "cannot tell"),
    ],
)
def test_yes_needs_every_control_and_no_needs_an_interval(one: Beyond, verdict: str) -> None:
    assert one.verdict() == verdict


def test_more_motifs_make_wider_intervals() -> None:
    one = Estimate(0.1, 0.04, 60)
    assert one.interval(1)[0] > 0 > one.interval(20)[0]
    assert beyond(se=0.08).verdict(1) == "yes"
    assert beyond(se=0.08).verdict(20) == "cannot tell"


def test_the_table_has_a_row_for_every_claim() -> None:
    few = Beyond("m2", None, dict.fromkeys(CONTROLS), reason="sites in 3 sequences")
    table = control_table(
        [Claim(beyond(), "toy", BEST_HEAD, 2, str), Claim(few, "toy", BEST_HEAD, 2, str)]
    )
    assert list(table.columns) == CONTROL_COLUMNS
    assert table["looked_at"].tolist() == ["yes", "not measured"]
    assert table.loc[0, "auroc_low"] < 0.7 < table.loc[0, "auroc_high"]
    assert np.isnan(table.loc[1, "auroc"])


def test_a_list_of_controls_says_random_weights() -> None:
    none = Claim(beyond(**dict.fromkeys(CONTROLS, 0.0)), "toy", BEST_HEAD, 1, str)
    assert none.within(short=True) == "place, composition, random weights and shuffled sequence"
