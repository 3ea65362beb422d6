"""Clustering as a whole: planted motifs, noise, and what must not matter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from nucel_interp.motifs.alignment import align
from nucel_interp.motifs.clustering import Clustering, cluster_seqlets
from nucel_interp.motifs.refine import MIN_SEQLETS
from nucel_interp.motifs.seqlet_windows import Regions
from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.sequences import Sequences
from nucel_interp.types import reverse_complement
from tests.toy import dna

UNIFORM = np.full(4, 0.25)
SEQLET = 15
FLANK = 15
MOTIFS = {"CTAAAAATAG": 60, "TGACGTCATC": 40, "RCCACGTGGT": 50, "GGGGCGGGGC": 35}
LETTERS = {**{b: b for b in "ACGT"}, "R": "AG"}


def drawn(rng: np.random.Generator, word: str) -> str:
    """A site: one base in ten is another one."""
    site = [str(rng.choice(list(LETTERS[c]))) for c in word]
    return "".join(str(rng.choice(list("ACGT"))) if rng.random() < 0.1 else c for c in site)


def regions(texts: list[str]) -> Regions:
    """The seqlet in the middle of each text."""
    lengths = np.array([len(t) for t in texts], dtype=np.int64)
    start = np.cumsum(lengths) - lengths + (lengths - SEQLET) // 2
    return Regions(Sequences(texts), np.arange(len(texts)), start, start + SEQLET)


def null_of(texts: list[str], copies: int = 2) -> list[Regions]:
    return [regions([shuffled(t, seed=0, copy=c) for t in texts]) for c in range(copies)]


@cache
def planted() -> tuple[list[str], np.ndarray]:
    """Texts of 45 bp and which motif lies in their middle; a third have none."""
    rng = np.random.default_rng([4, 1])
    texts, label = [], []
    for number, (word, n) in enumerate(MOTIFS.items()):
        for _ in range(n):
            site = drawn(rng, word)
            site = reverse_complement(site) if rng.random() < 0.5 else site
            left = FLANK + (SEQLET - len(site)) // 2 + int(rng.integers(-2, 3))
            rest = SEQLET + 2 * FLANK - left - len(site)
            texts.append(dna(left, rng) + site + dna(rest, rng))
            label.append(number)
    for _ in range(90):
        texts.append(dna(SEQLET + 2 * FLANK, rng))
        label.append(-1)
    order = rng.permutation(len(texts))
    return [texts[i] for i in order], np.array(label)[order]


def cluster(texts: list[str], **options: int) -> Clustering:
    return cluster_seqlets(regions(texts), null_of(texts), UNIFORM, **options)


@cache
def found() -> Clustering:
    return cluster(planted()[0])


def matrix(word: str) -> np.ndarray:
    return np.array([[("ACGT"[b] in LETTERS[c]) / len(LETTERS[c]) for c in word] for b in range(4)])


def noise(seed: int, n: int = 300) -> list[str]:
    rng = np.random.default_rng([4, 2, seed])
    return [dna(SEQLET + 2 * FLANK, rng) for _ in range(n)]


# what is there is found


def test_each_planted_motif_is_one_pure_cluster_of_most_of_its_seqlets() -> None:
    label = planted()[1]
    seen = []
    for one in found().clusters:
        here = label[one.members]
        number = int(np.bincount(here[here >= 0]).argmax())
        seen.append(number)
        assert (here == number).mean() > 0.8
        assert (here == number).sum() > 0.7 * (label == number).sum()
        assert align(matrix(list(MOTIFS)[number]), one.pwm).similarity > 0.85
    assert sorted(seen) == [0, 1, 2, 3]


def test_a_seqlet_is_in_one_cluster_at_most_and_the_largest_come_first() -> None:
    sizes = [len(c.members) for c in found().clusters]
    members = np.concatenate([c.members for c in found().clusters])
    assert sizes == sorted(sizes, reverse=True)
    assert len(np.unique(members)) == len(members)
    assert all((np.diff(c.members) > 0).all() for c in found().clusters)
    assert all(np.allclose(c.pwm.sum(axis=0), 1) for c in found().clusters)


def test_few_random_seqlets_join_the_motifs() -> None:
    label = planted()[1]
    members = np.concatenate([c.members for c in found().clusters])
    assert (label[members] < 0).sum() <= 0.1 * (label < 0).sum()


def test_progress_is_told_once_a_pass() -> None:
    told: list[int] = []
    cluster_seqlets(regions(planted()[0]), null_of(planted()[0]), UNIFORM, on_progress=told.append)
    assert 2 <= len(told) <= 5
    assert set(told) == {1}


def test_a_motif_outside_the_seqlet_is_found_with_a_flank() -> None:
    rng = np.random.default_rng([4, 3])
    texts = []
    for _ in range(60):
        left = dna(6, rng) + drawn(rng, "TGACGTCATC")
        texts.append(left + dna(SEQLET + 2 * FLANK - len(left), rng))
    assert len(cluster(texts).clusters) == 0
    (one,) = cluster(texts, flank=12).clusters
    assert align(matrix("TGACGTCATC"), one.pwm).similarity > 0.9


def test_seqlets_at_the_ends_of_their_units_and_with_unknown_bases_are_used() -> None:
    rng = np.random.default_rng([4, 4])
    texts, start = [], []
    for i in range(40):
        site = drawn(rng, "TGACGTCATC") + dna(3, rng) + "NN"
        at_end = bool(i % 2)
        texts.append(dna(20, rng) + site if at_end else site + dna(20, rng))
        start.append(20 if at_end else 0)
    first = np.arange(40) * 35 + np.array(start)
    real = Regions(Sequences(texts), np.arange(40), first, first + SEQLET)
    null = [
        Regions(
            Sequences([shuffled(t, seed=0, copy=c) for t in texts]),
            np.arange(40),
            first,
            first + SEQLET,
        )
        for c in range(2)
    ]
    (one,) = cluster_seqlets(real, null, UNIFORM, flank=10).clusters
    assert len(one.members) >= 35
    assert align(matrix("TGACGTCATC"), one.pwm).similarity > 0.9


# what is not there is not


@pytest.mark.parametrize("seed", range(5))
def test_random_seqlets_hardly_make_a_motif(seed: int) -> None:
    clusters = cluster(noise(seed)).clusters
    assert len(clusters) <= 1
    assert sum(len(c.members) for c in clusters) <= 0.06 * 300


def test_low_complexity_that_shuffling_keeps_is_no_motif() -> None:
    rng = np.random.default_rng([4, 5])
    texts = ["".join(rng.choice(list("AT"), SEQLET + 2 * FLANK)) for _ in range(60)]
    assert cluster(["A" * 45] * 40).clusters == []
    assert cluster(texts).clusters == []
    assert cluster(["CA" * 22 + "C"] * 40).clusters == []


@pytest.mark.parametrize("n", [0, 1, MIN_SEQLETS - 1])
def test_fewer_than_ten_seqlets_make_none(n: int) -> None:
    result = cluster(planted()[0][:n])
    assert result.clusters == []
    assert np.isnan(result.stability)


def test_seqlets_without_a_base_make_none() -> None:
    texts = ["N" * 45] * 30
    assert cluster_seqlets(regions(texts), null_of(noise(0)), UNIFORM).clusters == []


# odd input


def test_equal_seqlets_are_a_motif_unless_shuffled_ones_are_as_equal() -> None:
    text = noise(1)[0]
    (one,) = cluster_seqlets(regions([text] * 40), null_of(noise(2)), UNIFORM).clusters
    assert len(one.members) == 40
    assert cluster_seqlets(regions([text] * 40), [regions([text] * 40)], UNIFORM).clusters == []


def test_a_repeat_longer_than_any_motif_is_one_motif() -> None:
    rng = np.random.default_rng([4, 8])
    repeat = dna(80, rng)
    texts = [dna(20, rng) + drawn(rng, repeat) + dna(20, rng) for _ in range(40)]
    starts = np.arange(40) * 120 + 50 + rng.integers(0, 8, 40)
    real = Regions(Sequences(texts), np.arange(40), starts, starts + SEQLET)
    shuffles = [shuffled(t, seed=0) for t in texts]
    null = Regions(Sequences(shuffles), np.arange(40), starts, starts + SEQLET)
    (one,) = cluster_seqlets(real, [null], UNIFORM, flank=10).clusters
    assert len(one.members) >= 25
    assert one.pwm.shape[1] >= 15


@pytest.mark.parametrize("width", [1, 4, 6])
def test_very_narrow_seqlets_do_not_stop_it(width: int) -> None:
    full = regions(noise(3)[:50])
    narrow = Regions(full.sequences, full.unit, full.start, full.start + width)
    # its own null: nothing can stand out
    assert cluster_seqlets(narrow, [narrow], UNIFORM).clusters == []


def test_without_shuffled_seqlets_nothing_is_noise_and_nothing_fails() -> None:
    texts = planted()[0][:100]
    none = np.zeros(0, dtype=np.int64)
    for null in (
        [],
        [Regions(Sequences([]), none, none, none)],
        [Regions(Sequences(texts), none, none, none)],
    ):
        result = cluster_seqlets(regions(texts), null, UNIFORM)
        assert all(len(c.members) >= MIN_SEQLETS for c in result.clusters)


def test_many_seqlets_of_one_unit_are_as_good_as_units_of_their_own() -> None:
    texts = planted()[0]
    start = np.arange(len(texts)) * 45 + FLANK
    unit = np.zeros(len(texts), dtype=np.int64)
    one = Regions(Sequences(["".join(texts)]), unit, start, start + SEQLET)
    shuffles = [shuffled(t, seed=0) for t in texts]
    null = Regions(Sequences(["".join(shuffles)]), unit, start, start + SEQLET)
    clusters = cluster_seqlets(one, [null], UNIFORM).clusters
    label = planted()[1][clusters[0].members]
    assert len(clusters) == 4
    assert (label == np.bincount(label[label >= 0]).argmax()).mean() > 0.8


# what must not matter


def assert_same(a: Clustering, b: Clustering, number: np.ndarray) -> None:
    """Equal but for the numbers of the seqlets: ``number`` of b's is that of a's."""
    assert len(a.clusters) == len(b.clusters) > 0
    for one, other in zip(a.clusters, b.clusters, strict=True):
        np.testing.assert_array_equal(one.members, np.sort(number[other.members]))
        np.testing.assert_array_equal(one.pwm, other.pwm)
    assert a.stability == b.stability


def test_the_order_of_the_seqlets_does_not_matter() -> None:
    texts = planted()[0]
    order = np.random.default_rng([4, 6]).permutation(len(texts))
    assert_same(found(), cluster([texts[i] for i in order]), order)


def test_the_strand_of_the_sequences_does_not_matter() -> None:
    texts = [reverse_complement(t) if i % 3 else t for i, t in enumerate(planted()[0])]
    assert_same(found(), cluster(texts), np.arange(len(texts)))


def test_the_number_of_threads_does_not_matter() -> None:
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with threadpool_limits(2):
            many = cluster(planted()[0])
        torch.set_num_threads(1)
        with threadpool_limits(1):
            one = cluster(planted()[0])
    finally:
        torch.set_num_threads(before)
    assert_same(many, one, np.arange(len(planted()[0])))


def test_drawn_landmarks_do_not_depend_on_order_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nucel_interp.motifs.clustering.LANDMARKS", 150)
    monkeypatch.setattr("nucel_interp.motifs.clustering.MAX_NULL", 300)
    texts = planted()[0]
    order = np.random.default_rng([4, 7]).permutation(len(texts))
    first, second = cluster(texts), cluster([texts[i] for i in order])
    assert_same(first, second, order)
    label = planted()[1]
    assert len(first.clusters) == 4
    assert sum((label[c.members] >= 0).sum() for c in first.clusters) > 0.7 * (label >= 0).sum()


def test_another_seed_finds_the_same_motifs() -> None:
    other = cluster(planted()[0], seed=5)
    assert len(other.clusters) == len(found().clusters)
    for one in found().clusters:
        assert max(align(one.pwm, c.pwm).similarity for c in other.clusters) > 0.97
