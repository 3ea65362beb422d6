"""Signal-to-noise, heads chosen on the other half, intervals: planted numbers known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.bootstrap import interval, paired
from nucel_interp.compare.shared.head_selection import crossfit_heads, head_mean
from nucel_interp.compare.shared.sinks import sink_table
from nucel_interp.compare.shared.snr import signal_to_noise
from nucel_interp.controls.intervals import random_sites
from nucel_interp.motifs.testing import site_bases
from nucel_interp.sequences import Sequences
from nucel_interp.types import Site, reverse_complement
from nucel_model import NucelConfig, every_third_global
from tests.toy import dna


def test_each_definition_by_hand():
    track = np.array([[3.0, 5.0, 1.0, 1.0, 2.0, 4.0]])
    inside = np.array([True, True, False, False, False, False])
    found = signal_to_noise(track, np.array([0, 6]), inside, ~inside)
    assert found["mean_ratio"][0, 0] == 4 / 2
    assert found["z"][0, 0] == pytest.approx((4 - 2) / np.sqrt(1.5))
    assert found["peak_over_median"][0, 0] == pytest.approx(5 / 1.5)


def test_missing_bases_take_no_part_and_a_sequence_without_a_site_has_no_value():
    track = np.array([[np.nan, 4.0, 2.0, np.nan, 7.0, 7.0]], dtype=np.float32)
    inside = np.array([True, True, False, False, False, False])
    found = signal_to_noise(track, np.array([0, 4, 6]), inside, ~inside)
    assert found["mean_ratio"].tolist()[0][0] == 2.0
    assert np.isnan(found["mean_ratio"][0, 1])
    assert np.isnan(found["z"][0, 0])  # one base outside: no spread


def test_planted_attention_is_measured_as_planted_by_every_head():
    rng = np.random.default_rng(0)
    folds = np.array([1.0, 1.5, 3.0])
    inside = np.tile(np.arange(200) % 100 < 10, 30)
    tracks = rng.gamma(50, 1 / 50, (3, inside.size)) * np.where(inside, folds[:, None], 1)
    offsets = np.arange(0, inside.size + 1, 200)
    found = signal_to_noise(tracks.astype(np.float16), offsets, inside, ~inside)
    assert np.median(found["mean_ratio"], axis=1) == pytest.approx(folds, rel=0.02)


def test_the_head_is_measured_on_the_half_it_was_not_chosen_on():
    values = np.zeros((2, 20))
    half = np.arange(20) >= 10
    values[0, ~half], values[1, half] = 5.0, 7.0  # each head is best where the other is not
    best = crossfit_heads(values, half, np.ones(2, dtype=bool), "median")
    assert best.head == (0, 1)
    assert best.of(second_half=True) == 0
    assert best.values.tolist() == [0.0] * 20


def test_more_heads_of_pure_noise_do_not_raise_the_cross_fitted_value():
    rng = np.random.default_rng(1)
    half = np.arange(200) >= 100
    noise = rng.normal(1, 0.3, (300, 200))
    best = crossfit_heads(noise, half, np.ones(300, dtype=bool), "mean")
    same_data = noise.mean(axis=1).max()
    assert abs(best.values.mean() - 1) < 0.05 < same_data - 1


def test_only_the_heads_asked_for_compete_and_too_few_sequences_choose_none():
    values = np.array([[9.0] * 12, [1.0] * 12])
    half = np.arange(12) >= 6
    assert crossfit_heads(values, half, np.array([False, True]), "median").head == (1, 1)
    few = crossfit_heads(values, np.arange(12) >= 8, np.ones(2, dtype=bool), "median")
    assert few.head == (0, None)
    assert np.isnan(few.values[:8]).all()
    assert head_mean(values, np.ones(2, dtype=bool)).tolist() == [5.0] * 12


def test_an_interval_depends_neither_on_order_nor_on_strand():
    texts = [dna(30, i) for i in range(40)]
    values = np.random.default_rng(0).normal(2, 1, 40)
    first = interval(values, Sequences(texts).bootstrap(5), "median")
    order = np.random.default_rng(1).permutation(40)
    turned = [reverse_complement(texts[i]) if i % 2 else texts[i] for i in order]
    assert interval(values[order], Sequences(turned).bootstrap(5), "median") == first
    assert (Sequences(texts).bootstrap(6) != Sequences(texts).bootstrap(5)).any()
    assert first.low < first.value < first.high


def test_an_interval_covers_the_true_median_as_often_as_it_says():
    rng = np.random.default_rng(3)
    texts = [dna(20, i) for i in range(60)]
    index = Sequences(texts).bootstrap(0, 400)
    hits = 0
    for _ in range(200):
        one = interval(rng.normal(0, 1, 60), index, "median")
        hits += one.low <= 0 <= one.high
    assert 0.90 <= hits / 200 <= 0.99


def test_a_paired_ratio_is_sharper_than_the_two_intervals():
    rng = np.random.default_rng(0)
    texts = [dna(20, i) for i in range(60)]
    level = rng.gamma(4, 1, 60)
    a, b = 1.5 * level * rng.normal(1, 0.02, 60), level
    index = Sequences(texts).bootstrap(0)
    ratio, difference = paired(a, b, index, "median")
    assert ratio.low < 1.5 < ratio.high
    assert interval(b, index, "median").high / interval(b, index, "median").low > 1.2
    assert ratio.high / ratio.low < 1.1
    assert difference.value == pytest.approx(np.median(a) - np.median(b))


def test_a_ratio_over_zero_or_less_is_not_given_but_the_difference_is():
    texts = [dna(20, i) for i in range(20)]
    ratio, difference = paired(np.ones(20), -np.ones(20), Sequences(texts).bootstrap(0), "median")
    assert np.isnan(ratio.value)
    assert (difference.value, difference.low, difference.high) == (2, 2, 2)


def test_few_sequences_give_a_value_without_an_interval():
    one = interval(np.arange(5.0), Sequences(dna(9, i) for i in range(5)).bootstrap(0), "mean")
    assert one.value == 2
    assert np.isnan([one.low, one.high]).all()


def test_random_intervals_match_in_number_and_length_and_avoid_sites_and_edges():
    texts = [dna(120, i) for i in range(8)]
    offsets = np.arange(0, 8 * 120 + 1, 120)
    window_of = np.arange(8 * 120) // 60
    sites = [Site(i, 10 + i, 20 + i, "+", 0, 0) for i in range(8)]
    sites += [Site(0, 70, 77, "-", 0, 0)]
    allowed = np.arange(8 * 120) % 60 >= 5
    made = random_sites(sites, Sequences(texts), window_of, allowed, 0, "x")
    assert sorted((s.record, s.end - s.start) for s in made) == sorted(
        (s.record, s.end - s.start) for s in sites
    )
    under = site_bases(made, offsets)
    assert not (under & site_bases(sites, offsets)).any()
    assert (under <= allowed).all()
    for s in made:
        at = int(offsets[s.record])
        assert window_of[at + s.start] == window_of[at + s.end - 1]


def test_random_intervals_turn_with_the_strand():
    text = dna(90)
    window_of, free = np.zeros(90, int), np.ones(90, dtype=bool)
    (one,) = random_sites([Site(0, 10, 20, "+", 0, 0)], Sequences([text]), window_of, free, 0, "x")
    (other,) = random_sites(
        [Site(0, 70, 80, "-", 0, 0)], Sequences([reverse_complement(text)]), window_of, free, 0, "x"
    )
    assert (one.start, one.end) == (90 - other.end, 90 - other.start)


def test_a_sequence_full_of_sites_has_no_room_for_random_ones():
    text = dna(20)
    site = [Site(0, 0, 15, "+", 0, 0)]
    free = np.ones(20, dtype=bool)
    assert not random_sites(site, Sequences([text]), np.zeros(20, int), free, 0, "x")


def test_a_sink_on_one_token_of_six_bases_is_seen_as_one_place():
    config = NucelConfig(
        hidden_size=4, num_attention_heads=2, intermediate_size=4,
        layer_types=every_third_global(1),
    )  # fmt: skip
    received = np.full((2, 120), 0.1)
    received[0, 30:41] = 8.0  # what one token receives, spread by six frames
    for width, found in ((1, [0, 0]), (11, [1, 0])):
        table = sink_table(
            config, received, np.array([0, 120]), np.zeros(2), both_strands=False, width=width
        )
        assert table["sink_sequences"].tolist() == found
