"""DNABERT's motif search: what it finds, what it drops, and that noise gives it motifs too."""

from __future__ import annotations

import random
from math import comb
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom

from nucel_interp.baselines.cls_row import cls_row_scores
from nucel_interp.baselines.dnabert import (
    best_offset,
    count_strings,
    dnabert_motifs,
    high_regions,
)
from nucel_interp.errors import InputError
from nucel_interp.types import reverse_complement
from nucel_model import Nucel, from_pretrained
from tests.toy import dna, nucel, plant, shape


def planted(word: str, at: list[int], length: int = 60) -> tuple[list[str], list[np.ndarray]]:
    rng = random.Random(0)
    sequences, scores = [], []
    for place in at:
        s, score = dna(length, rng), np.full(length, 0.1)
        if place >= 0:
            s = plant(s, word, place)
            score[place : place + len(word)] = 2.0
        sequences.append(s)
        scores.append(score)
    return sequences, scores


def noise(seed: int, n: int = 120, length: int = 100) -> tuple[list[str], list[np.ndarray]]:
    """Sequences and scores that know nothing of each other."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    sequences = [dna(length, rng) for _ in range(n)]
    scores = [np.convolve(numbers.exponential(size=length), np.ones(5), "same") for _ in range(n)]
    return sequences, scores


def test_regions_are_above_the_mean_and_above_ten_times_the_minimum() -> None:
    score = np.full(40, 1.0)
    score[3:8], score[12:16], score[20:30] = 11.0, 11.0, 11.0
    assert high_regions(score) == [(3, 8), (20, 30)]  # four bases are too few
    score[5] = 10.0  # ten times the minimum is not above it
    assert high_regions(score) == [(20, 30)]
    score[30:] = 11.0
    assert high_regions(score) == [(20, 40)]
    score[25] = np.nan
    assert high_regions(score) == [(20, 25), (26, 40)]
    assert high_regions(np.full(40, 2.0)) == []
    assert high_regions(np.full(40, np.nan)) == []


def test_a_sequence_counts_once_per_string_and_only_as_it_is_written() -> None:
    counts = count_strings(["AAACCCAAACCC", "GGGTTT", "AAACC"], ["AAACC", "AAACCC", "TTTTT"])
    assert counts.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("query", "key", "expected"),
    [
        ("ACGTACGT", "GTAC", (4, 2)),
        ("ACGTACGT", "ACGT", (4, 0)),  # fits twice, neither over the right end: furthest left
        ("CCCCGATTA", "GATTACA", (5, 4)),  # hangs over on the right
        ("TACAGGGGG", "GATTACA", (4, -3)),  # and on the left
        ("GTTGTAGATCGCGCG", "ACGCCTT", (3, 10)),  # a tie: the one over the right end
        ("AAAAAAA", "CCCCC", (0, 6)),
    ],
)
def test_the_best_place_of_one_string_in_another(query, key, expected) -> None:
    assert best_offset(query, key) == expected


def test_a_planted_string_is_found_with_its_p_and_q() -> None:
    sequences, scores = planted("TGACTCATT", [25] * 12 + [-1] * 28)
    rng = random.Random(1)
    negatives = [dna(60, rng) for _ in range(40)]
    (found,) = dnabert_motifs(sequences, scores, negatives)
    assert found.string == "TGACTCATT"
    assert (found.positives, found.negatives) == (12, 0)
    assert found.p == pytest.approx(hypergeom.sf(11, 80, 40, 12))
    assert found.q == found.p  # the only string
    # nine bases in a window of 24: seven on the left, eight on the right
    assert found.instances == tuple((i, 18, 42) for i in range(12))
    assert found.motif.width == 24
    assert found.motif.n_sites == 12
    letters = "".join("ACGT"[i] for i in found.motif.pwm.argmax(axis=0))
    assert letters[7:16] == "TGACTCATT"
    np.testing.assert_allclose(found.motif.pwm.sum(axis=0), 1)


def test_p_and_q_of_several_strings_by_their_definitions() -> None:
    words = {"TGACTCATT": 12, "GGGGCGCGG": 9, "CACGTGCAC": 7}
    sequences, scores = [], []
    for word, n in words.items():
        mine = planted(word, [25] * n)
        sequences, scores = sequences + mine[0], scores + mine[1]
    rng = random.Random(1)
    negatives = [dna(60, rng) for _ in range(26)] + [f"{'A' * 20}CACGTGCAC{'A' * 20}"] * 2
    found = {m.string: m for m in dnabert_motifs(sequences, scores, negatives, cutoff=1.1)}
    assert set(found) == set(words)
    assert found["CACGTGCAC"].negatives == 2

    def p(x: int, n: int) -> float:
        """Chance that at least x of the n sequences with the string are among 28 of all 56."""
        ways = [comb(n, i) * comb(56 - n, 28 - i) for i in range(x, n + 1)]
        return sum(ways) / comb(56, 28)

    want = [p(12, 12), p(9, 9), p(7, 9)]
    assert [found[w].p for w in words] == pytest.approx(want)
    assert sorted(want) == want
    assert [found[w].q for w in words] == pytest.approx(
        [min(3 / rank * want[rank - 1] for rank in range(own, 4)) for own in (1, 2, 3)]
    )


def test_windows_at_the_ends_are_dropped_and_three_must_stay() -> None:
    # a window may begin at 0, and must end before the last base
    at = [7, 27, 6, 28, 0, 51]  # of 60: the first two fit, 35 + 24 = 59 < 60 would be 28 - 7
    sequences, scores = planted("TGACTCATT", [*at, *[25] * 6])
    rng = random.Random(1)
    negatives = [dna(60, rng) for _ in range(200)]
    (found,) = dnabert_motifs(sequences, scores, negatives)
    assert {i for i, _, _ in found.instances} == {0, 1, 3, *range(6, 12)}
    assert min(start for _, start, _ in found.instances) == 0
    sequences, scores = planted("TGACTCATT", [29] * 3 + [51] * 9)
    assert dnabert_motifs(sequences, scores, negatives)[0].motif.n_sites == 3
    sequences, scores = planted("TGACTCATT", [29] * 2 + [51] * 10)
    assert dnabert_motifs(sequences, scores, negatives) == []


def test_a_longer_string_joins_the_shorter_and_its_window_moves() -> None:
    sequences, scores = planted("TGACTCA", [25] * 10 + [-1] * 10)
    for s in (0, 1, 2, 3):  # here the region begins two bases earlier, over the same two letters
        sequences[s] = sequences[s][:23] + "GG" + sequences[s][25:]
        scores[s][23:25] = 2.0
    rng = random.Random(1)
    (found,) = dnabert_motifs(sequences, scores, [dna(60, rng) for _ in range(200)])
    assert found.string == "TGACTCA"
    assert found.strings == ("TGACTCA", "GGTGACTCA")
    assert {(start, end) for _, start, end in found.instances} == {(17, 41)}
    assert len(found.instances) == 10


def test_the_other_strand_is_another_motif() -> None:
    word, turned = "TGAACTTGC", reverse_complement("TGAACTTGC")
    one, scores = planted(word, [25] * 12)
    other, more = planted(turned, [25] * 12)
    rng = random.Random(1)
    negatives = [dna(60, rng) for _ in range(40)]
    found = dnabert_motifs(one + other, scores + more, negatives)
    assert {m.string for m in found} == {word, turned}
    assert {m.positives for m in found} == {12}


def test_noise_against_noise_gives_it_nothing() -> None:
    assert [
        len(dnabert_motifs(*noise(seed, n=80), noise(1000 + seed, n=80)[0])) for seed in range(8)
    ] == [0] * 8


def test_a_score_of_random_numbers_gives_it_motifs_where_the_sequences_are_enriched() -> None:
    """Its p is of the sequences; that the score looks elsewhere does not count."""
    rng, element = random.Random(0), "TGACTCAGGCATTACGATCC"
    sequences, scores = noise(1, n=200)
    for i in range(0, 200, 2):
        at = rng.randrange(80)
        sequences[i] = sequences[i][:at] + element + sequences[i][at + 20 :]
    found = dnabert_motifs(sequences, scores, noise(1001, n=200)[0])
    assert found
    assert all(any(s in element for s in m.strings) for m in found)


def test_copies_of_one_sequence_are_witnesses_to_each_other() -> None:
    sequences, scores = noise(3)
    sequences += [sequences[0]] * 15
    scores += noise(4, n=15)[1]
    found = dnabert_motifs(sequences, scores, noise(1003, n=135)[0], min_instances=1)
    assert any(m.string in sequences[0] for m in found)
    once = dnabert_motifs(sequences[:120], scores[:120], noise(1003)[0], min_instances=1)
    assert once == []


def test_the_order_of_the_file_changes_no_motif() -> None:
    sequences, scores = noise(5)
    negatives, _ = noise(1005)
    order = np.random.default_rng(0).permutation(len(sequences))
    first = dnabert_motifs(sequences, scores, negatives, cutoff=1.1)
    second = dnabert_motifs(
        [sequences[i] for i in order], [scores[i] for i in order], negatives[::-1], cutoff=1.1
    )
    assert [(m.string, m.strings, m.p, m.q) for m in first] == [
        (m.string, m.strings, m.p, m.q) for m in second
    ]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.motif.pwm, b.motif.pwm)


def test_nothing_to_look_at() -> None:
    assert dnabert_motifs([], [], []) == []
    assert dnabert_motifs(["ACGT" * 10], [np.ones(40)], []) == []


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="1 score arrays for 2 sequences"):
        dnabert_motifs(["ACGT", "ACGT"], [np.ones(4)], [])
    with pytest.raises(InputError, match=r"sequence 1 has shape \(3,\), but the sequence has 4"):
        dnabert_motifs(["ACGT", "ACGT"], [np.ones(4), np.ones(3)], [])


def tiny(layers: str = "gl", positions: int = 257) -> Nucel:
    kinds = {"g": "full_attention", "l": "sliding_attention"}
    config = shape(context=positions - 1, reach=128, layer_types=tuple(kinds[x] for x in layers))
    model = nucel(config, head=False, seed=1, start="torch")
    for p in model.encoder.parameters():  # far from uniform attention
        p.data.mul_(20 if p.dim() > 1 else 1)
    return model


@pytest.mark.parametrize("layers", ["gl", "lg"])
def test_cls_row_is_the_last_maps_first_row(layers: str) -> None:
    from nucel_model import tokenizer

    model = tiny(layers=layers)
    rng = random.Random(0)
    sequences = [dna(n, rng) for n in (100, 30, 100, 7)]
    got = cls_row_scores(model, sequences)
    for sequence, score in zip(sequences, got, strict=True):
        ids, mask = tokenizer.batch([tokenizer.encode(sequence)])
        with torch.inference_mode():
            maps = model(ids, mask, output_attentions=True).attentions
        want = maps[-1][0, :, 0, 1:].sum(dim=0).numpy()
        np.testing.assert_allclose(score, want / np.linalg.norm(want), atol=1e-6)
        assert score.std() > 1e-3  # not simply uniform


def test_a_local_last_layer_shows_cls_the_window_alone() -> None:
    sequence = dna(100, random.Random(0))
    (local,) = cls_row_scores(tiny(layers="gl"), [sequence])
    assert (local[:64] > 0).all()
    assert (local[64:] == 0).all()
    (wide,) = cls_row_scores(tiny(layers="lg"), [sequence])
    assert (wide > 0).all()


def test_every_score_has_length_one_and_n_has_none(tiny_folder: Path) -> None:
    model = from_pretrained(str(tiny_folder))
    seen: list[int] = []
    sequences = ["ACGTNACGT" * 5, "", "NNNN", "A"]
    scores = cls_row_scores(model, sequences, seen.append)
    assert [len(s) for s in scores] == [45, 0, 4, 1]
    assert np.isnan(scores[0][4::9]).all()
    assert np.nansum(scores[0] ** 2) == pytest.approx(1, abs=1e-5)
    assert np.isnan(scores[2]).all()
    assert scores[3].tolist() == [1.0]
    assert sum(seen) == 50


def test_a_long_sequence_is_read_in_windows_and_the_order_of_the_file_does_not_matter() -> None:
    model = tiny(layers="lg", positions=65)
    rng = random.Random(4)
    sequences = [dna(n, rng) for n in (200, 64, 64, 10)]
    scores = cls_row_scores(model, sequences)
    assert np.isfinite(scores[0]).all()
    back = cls_row_scores(model, sequences[::-1])[::-1]
    for a, b in zip(scores, back, strict=True):
        np.testing.assert_array_equal(a, b)
