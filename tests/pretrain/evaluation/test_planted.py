"""Planted changes and the Markov models beside them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nucel_genome import Genome
from nucel_model import from_pretrained, tokenizer
from nucel_pretrain.data import DataConfig, Windows
from nucel_pretrain.evaluation.markov import log_probabilities, markov_scores, word_counts
from nucel_pretrain.evaluation.metrics import auroc
from nucel_pretrain.evaluation.planted import model_scores, planted, planted_auroc


@pytest.fixture
def windows(genome, tmp_path):
    return Windows(Genome.open([genome], cache=tmp_path), DataConfig(window=32))


def test_as_many_bases_change_as_asked_and_the_flags_say_which(windows):
    ids, changed = planted(windows, 20, seed=3, changes=4)
    true = windows.batch(3, range(20))
    assert ((ids != true)[:, 1:] == changed).all()
    assert (changed.sum(axis=1) == 4).all()
    assert (ids[:, 0] == tokenizer.CLS).all()
    assert set(np.unique(ids[:, 1:])) == set(tokenizer.BASE_IDS)


def test_the_same_seed_plants_the_same_and_another_something_else(windows):
    first, again, other = (planted(windows, 5, seed=s)[0] for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_each_other_base_is_planted_equally_often(windows):
    true = windows.batch(0, range(800))
    ids, changed = planted(windows, 800, seed=0, changes=8)
    step = (ids - true)[:, 1:][changed] % 4
    assert np.bincount(step, minlength=4)[0] == 0
    assert np.bincount(step)[1:] / step.size == pytest.approx([1 / 3] * 3, abs=0.03)


def test_word_counts_are_those_of_both_strands():
    sequence = "ACGTTGCAAGGCATTACGA"
    other = tokenizer.decode(tokenizer.reverse_complement_ids(tokenizer.encode(sequence)))
    counts = word_counts([tokenizer.encode(sequence)], 3)
    for number, word in enumerate(itertools.product("ACGT", repeat=3)):
        letters = "".join(word)
        expected = sum(s[i : i + 3] == letters for s in (sequence, other) for i in range(len(s)))
        assert counts[number] == expected, letters


def test_words_across_a_counting_chunk_are_counted_once(monkeypatch):
    stretch = np.random.default_rng(0).integers(11, 15, 1000).astype(np.uint8)
    whole = word_counts([stretch], 4)
    monkeypatch.setattr("nucel_pretrain.evaluation.markov.CHUNK", 64)
    assert (word_counts([stretch], 4) == whole).all()
    assert whole.sum() == 2 * 997


def interpolated(counts: dict[str, int], context: str, base: str, a: float) -> float:
    """The definition, from counts of words of three letters."""
    below = interpolated(counts, context[1:], base, a) if context else 0.25
    word = sum(n for w, n in counts.items() if w.endswith(context + base))
    either = sum(n for w, n in counts.items() if w[:-1].endswith(context))
    return (word + a * below) / (either + a)


def test_probabilities_are_the_interpolation_of_their_definition():
    words = ["".join(w) for w in itertools.product("ACGT", repeat=3)]
    counts = word_counts([tokenizer.encode("ACGTTGCAAGGCATTACGAGGT")], 3)
    by_word = dict(zip(words, counts.tolist(), strict=True))
    for order in (0, 1, 2):
        table = log_probabilities(counts, order, 5.0)
        for number, word in enumerate(itertools.product("ACGT", repeat=order + 1)):
            *context, base = word
            expected = interpolated(by_word, "".join(context), base, 5.0)
            assert table[number] == pytest.approx(np.log(expected))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_probabilities_of_each_context_sum_to_one_and_unseen_contexts_take_the_order_below(order):
    counts = word_counts([tokenizer.encode("ACGGTACCA")], order + 1)
    p = np.exp(log_probabilities(counts, order, 2.0)).reshape(-1, 4)
    assert p.sum(axis=1) == pytest.approx(1.0)
    if order == 3:
        below = np.exp(log_probabilities(counts, 2, 2.0)).reshape(-1, 4)
        unseen = np.flatnonzero(counts.reshape(-1, 4).sum(axis=1) == 0)
        assert p[unseen] == pytest.approx(below[unseen % 16])


@pytest.mark.parametrize("order", [0, 1, 2])
def test_scores_are_the_log_odds_of_all_words_covering_a_base(order):
    rng = np.random.default_rng(order)
    table = np.log(rng.dirichlet(np.ones(4), 4**order)).ravel()
    bases = rng.integers(0, 4, 9)
    found = markov_scores(table, order, np.r_[tokenizer.CLS, bases + tokenizer.A][None])[0]
    for j in range(9):
        log_p = []
        for b in range(4):
            changed = bases.copy()
            changed[j] = b
            total = 0.0
            for start in range(9 - order):
                if start <= j <= start + order:
                    number = int("".join(map(str, changed[start : start + order + 1])), 4)
                    total += table[number]
            log_p.append(total)
        others = [log_p[b] for b in range(4) if b != bases[j]]
        expected = np.log(np.sum(np.exp(others))) - log_p[bases[j]]
        assert found[j] == pytest.approx(expected)


def test_a_markov_model_finds_changes_in_the_repeats_it_was_counted_on(windows):
    ids, changed = planted(windows, 50, seed=0)
    counts = word_counts(windows.stretches(), 7)
    good = auroc(markov_scores(log_probabilities(counts, 6, 1.0), 6, ids), changed)
    assert good > 0.85  # a tenth of the bases is noise
    assert good > auroc(markov_scores(log_probabilities(counts, 1, 1.0), 1, ids), changed) + 0.05


def test_a_model_that_knows_nothing_scores_a_half(windows, tiny_config):
    from nucel_model import Nucel
    from nucel_model.encoder import NucelEncoder
    from nucel_model.heads import ReplacedTokenHead

    shape = tiny_config().discriminator.encoder(33)
    model = Nucel(NucelEncoder(shape), ReplacedTokenHead(shape)).eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            model,
            "replaced_logit",
            lambda hidden: hidden.new_zeros(hidden.shape[0], hidden.shape[1] - 1),
        )
        found = planted_auroc(model, windows, n=10, draws=20)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert found.n == 10


def test_both_strands_give_the_mirrored_scores_of_the_mirrored_windows(windows):
    model = from_pretrained("nucel-mini")
    ids, _ = planted(windows, 4, seed=3)
    mirrored = ids.copy()
    mirrored[:, 1:] = tokenizer.reverse_complement_ids(ids[:, 1:].astype(np.uint8))
    both = model_scores(model, ids, both_strands=True)
    np.testing.assert_allclose(
        both, model_scores(model, mirrored, both_strands=True)[:, ::-1], atol=1e-5
    )
    assert np.abs(both - model_scores(model, ids)).max() > 0.01
