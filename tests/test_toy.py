"""What other tests are made of is what it says."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from nucel_interp.match import load_jaspar
from nucel_interp.types import reverse_complement
from tests import toy


def test_dna_is_the_same_of_a_seed_and_goes_on_in_a_generator():
    assert toy.dna(50, 1) == toy.dna(50, 1) != toy.dna(50, 2)
    assert set(toy.dna(500, letters="AN")) == {"A", "N"}
    for rng in (random.Random(1), np.random.default_rng(1)):
        assert len(first := toy.dna(30, rng)) == 30
        assert first != toy.dna(30, rng)


def test_a_planted_word_changes_nothing_beside_it():
    assert toy.plant("AAAAAA", "GTC", 2) == "AAGTCA"
    with pytest.raises(AssertionError):
        toy.plant("AAAAAA", "GTC", 4)


def test_every_second_site_is_turned_round_and_the_track_is_high_on_it():
    width = next(m for m in load_jaspar().motifs if m.name == "CTCF").pwm.shape[1]
    (both, tracks), (forward, same) = toy.planted(n=20), toy.planted(n=20, strand="forward")
    for i, (mine, plain) in enumerate(zip(both, forward, strict=True)):
        assert np.array_equal(tracks[i], same[i])
        if i % 2:
            assert mine == plain
            continue
        a, b = mine.sequence, plain.sequence
        (at,) = (
            k
            for k in range(len(a) - width + 1)
            if toy.plant(a, reverse_complement(a[k : k + width]), k) == b
        )
        site = slice(at, at + width)
        assert tracks[i][site].mean() > 2 + np.delete(tracks[i], site).mean()


def test_networks_are_the_same_each_time_and_differ_by_seed():
    def weights(model):
        return torch.cat([p.flatten() for p in model.parameters()])

    for make in (toy.tiny, toy.tuned, toy.nt, lambda: toy.nucel(toy.shape(), start="torch")):
        assert torch.equal(weights(make()), weights(make()))
    one, other = (toy.nucel(toy.shape(), seed=seed) for seed in (0, 1))
    assert not torch.equal(weights(one), weights(other))
    assert toy.nucel(toy.shape(context=40)).config.context_bp == 40
    assert toy.nt(context=60).config.context_bp == 60


def test_sharper_attention_is_farther_from_uniform():
    received = [
        toy.nucel(toy.shape(), sharper=times).profile_sequences([toy.dna(60)]).received[0]
        for times in (1, 8)
    ]
    assert received[0].std() * 5 < received[1].std()
