"""Shuffling seqlets: fair pairs, an effect where there is one, none where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import PermutationMethod, kstest, wilcoxon

import nucel_model
from nucel_interp.compare.intervention.intervene import Intervention, Scored, intervene
from nucel_interp.compare.intervention.matched_controls import (
    CALIPERS,
    MARGIN_BP,
    MIN_CHANGED,
    find_pairs,
)
from nucel_interp.compare.intervention.tables import wilcoxon_p
from nucel_interp.errors import InputError
from nucel_interp.scoring import shuffled
from nucel_interp.seqlets import Calls
from nucel_interp.sequences import Sequences
from nucel_interp.types import INTERVENTION_COLUMNS, canonical, reverse_complement
from nucel_model import from_pretrained
from tests.toy import random_sequences

LENGTH = 160
WIDTH = 21


def at_random(sequences: list[str], seed: int) -> tuple[Calls, np.ndarray, np.ndarray]:
    """One seqlet anywhere in each sequence, and a track that knows nothing."""
    rng = np.random.default_rng(seed)
    offsets = Sequences(sequences).offsets
    start = rng.integers(np.diff(offsets) - WIDTH + 1)
    calls = Calls(np.arange(len(sequences)), start, start + WIDTH, np.ones(len(sequences)))
    return calls, rng.normal(size=offsets[-1]), offsets


@pytest.fixture(scope="module")
def tiny(tiny_folder):
    return from_pretrained(tiny_folder)


def test_pairs_are_alike_in_what_could_fool_the_test():
    sequences = random_sequences(40, LENGTH, 1)
    calls, track, offsets = at_random(sequences, 1)
    pairs, tried, with_seqlet = find_pairs(Sequences(sequences), calls, track, 0, 100)
    assert tried == with_seqlet == 40
    assert len(pairs) > 20
    for p in pairs:
        assert p.sequence == canonical(sequences[p.unit])
        for name, caliper in CALIPERS.items():
            assert abs(getattr(p.high, name) - getattr(p.low, name)) <= caliper + 1e-9
        assert p.low.end + MARGIN_BP <= p.high.start or p.high.end + MARGIN_BP <= p.low.start
        for which in (p.high, p.low):
            at = [i for i in range(LENGTH) if p.sequence[i] != which.shuffled[i]]
            assert len(at) == p.changed >= MIN_CHANGED
            assert which.start <= min(at)
            assert max(at) < which.end
            assert not p.measured[max(0, which.start - 5) : which.end + 5].any()
            text, other = p.sequence[which.start : which.end], which.shuffled
            assert sorted(text) == sorted(other[which.start : which.end])
        values = track[offsets[p.unit] : offsets[p.unit + 1]]
        values = values[::-1] if p.flipped else values
        means = np.convolve(values, np.ones(WIDTH) / WIDTH, mode="valid")
        assert p.low.score == pytest.approx(means[p.low.start])
        assert p.low.score <= np.median(means) + 1e-12
        assert p.measured.sum() == LENGTH - sum(
            min(LENGTH, w.end + 5) - max(0, w.start - 5) for w in (p.high, p.low)
        ) + overlap(p)


def overlap(pair) -> int:
    first, second = sorted((pair.high, pair.low), key=lambda w: w.start)
    return max(0, first.end + 5 - (second.start - 5))


def test_a_seqlet_that_shuffling_cannot_change_has_no_pair():
    sequences = [s[:60] + "A" * WIDTH + s[60 + WIDTH :] for s in random_sequences(5, LENGTH, 2)]
    calls, track, _ = at_random(sequences, 2)
    poly = Calls(calls.unit, np.full(5, 60), np.full(5, 60 + WIDTH), calls.score)
    pairs, tried, _ = find_pairs(Sequences(sequences), poly, track, 0, 100)
    assert (pairs, tried) == ([], 5)


def test_missing_bases_are_neither_shuffled_nor_measured():
    sequences = [s[:100] + "N" * 12 + s[112:] for s in random_sequences(20, LENGTH, 3)]
    calls, track, _ = at_random(sequences, 3)
    calls = Calls(calls.unit, np.full(20, 30), np.full(20, 30 + WIDTH), calls.score)
    pairs, _, _ = find_pairs(Sequences(sequences), calls, track, 0, 100)
    assert len(pairs) > 5
    for p in pairs:
        assert "N" not in p.sequence[p.low.start : p.low.end]
        assert not p.measured[[i for i, c in enumerate(p.sequence) if c == "N"]].any()


def test_equal_sequences_count_once_and_the_best_seqlet_stands_for_them():
    sequences = random_sequences(10, LENGTH, 4)
    both = [*sequences, *map(reverse_complement, sequences)]
    calls, track, _ = at_random(both, 4)
    _, _, with_seqlet = find_pairs(Sequences(both), calls, track, 0, 100)
    assert with_seqlet == 10
    two = Calls(np.zeros(2, int), np.array([10, 80]), np.array([31, 101]), np.array([1.0, 2.0]))
    pairs, _, _ = find_pairs(Sequences(sequences[:1]), two, track[:LENGTH], 0, 100)
    assert len(pairs) == 1
    high = pairs[0].high
    assert (LENGTH - high.end if pairs[0].flipped else high.start) == 80


def both(sequences, calls, track, seed: int = 0) -> tuple[Scored, Scored]:
    """The sequences, and shuffled copies of them with seqlets at other places."""
    copies = [shuffled(s, seed=seed) for s in sequences]
    theirs, noise, _ = at_random(copies, 10_000 + seed)
    return Scored(Sequences(sequences), calls, track), Scored(Sequences(copies), theirs, noise)


def test_at_random_places_p_is_uniform_and_no_excess_is_claimed(tiny):
    p, claims = [], 0
    for run in range(24):
        sequences = random_sequences(60, LENGTH, 1000 + run)
        calls, track, _ = at_random(sequences, run)
        got = intervene(tiny, *both(sequences, calls, track, run), run)
        given = got.effects[got.effects["input"] == "given"]
        p.append(given.set_index("measure")["p"])
        claims += bool(got.shown)
        assert len(got.excess) == 2
    for measure in ("discriminator", "embedding"):
        values = np.array([one[measure] for one in p])
        assert kstest(values, "uniform").pvalue > 0.001
        assert (values <= 0.05).sum() <= 5  # more in 1 of 1,000 cases
    assert claims <= 4  # at 0.025: more in 1 of 3,000 cases


class Listener(torch.nn.Module):
    """A model all of whose bases know whether a word stands anywhere, and little else."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = torch.nn.Parameter(
            torch.tensor(nucel_model.tokenizer.encode(word).astype(np.int64)), requires_grad=False
        )
        self.config = SimpleNamespace(context_bp=1000)
        self.discriminator_head = object()
        self.name = "listener"

    def tokens(self, sequences):
        return nucel_model.tokenizer.batch([nucel_model.tokenizer.encode(s) for s in sequences])

    def forward(self, ids, mask):
        windows = ids.unfold(1, len(self.word), 1)
        heard = (windows == self.word).all(dim=2).any(dim=1).double()
        some = torch.sin(ids.double().cumsum(dim=1))  # any change leaves a trace
        hidden = torch.stack([10 + heard[:, None].expand_as(some), 0.01 * some], dim=2)
        return SimpleNamespace(last_hidden_state=hidden)

    def replaced_logit(self, hidden):
        return hidden[:, 1:, 0]


def planted(seed: int, n: int = 40, word: str = "TGACTCAGC") -> tuple[list[str], Calls, np.ndarray]:
    sequences = [canonical(s) for s in random_sequences(n, LENGTH, seed)]
    starts = np.random.default_rng(seed).integers(10, LENGTH - 40, size=n)
    # the word is put on the strand that stays canonical
    sequences = [
        "A" + s[1:k] + word + s[k + len(word) : -1] + "A"
        for s, k in zip(sequences, starts, strict=True)
    ]
    assert all(canonical(s) == s for s in sequences)
    calls = Calls(np.arange(n), starts - 6, starts + 15, np.ones(n))
    return sequences, calls, np.random.default_rng(0).normal(size=n * LENGTH)


def test_a_model_that_listens_to_its_seqlets_is_found(monkeypatch):
    sequences, calls, track = planted(6)
    monkeypatch.setattr(nucel_model, "random_control", lambda model, seed: Listener("AAAAAAAAAA"))
    got = intervene(Listener("TGACTCAGC"), *both(sequences, calls, track))
    effects = got.effects[got.effects["input"] == "given"].set_index("measure")
    assert effects.loc["embedding", "p"] < 1e-4
    assert effects.loc["discriminator", "share_higher"] > 0.9
    assert effects.loc["random_control_embedding", "p"] > 0.01
    assert got.shown == ["discriminator", "embedding"]
    assert "moves the discriminator and the embedding" in got.sentence


def test_what_a_random_network_does_as_well_is_not_claimed(monkeypatch):
    sequences, calls, track = planted(6)
    monkeypatch.setattr(nucel_model, "random_control", lambda model, seed: Listener("TGACTCAGC"))
    got = intervene(Listener("TGACTCAGC"), *both(sequences, calls, track))
    assert got.shown == []
    assert "no effect of shuffling a seqlet" in got.sentence


def test_what_shuffled_copies_give_as_well_is_not_claimed(monkeypatch):
    sequences, calls, track = planted(6)
    given = Scored(Sequences(sequences), calls, track)
    monkeypatch.setattr(nucel_model, "random_control", lambda model, seed: Listener("AAAAAAAAAA"))
    got = intervene(Listener("TGACTCAGC"), given, given)
    assert got.shown == []
    np.testing.assert_allclose(got.excess["ratio"], 1.0)


def test_order_and_strand_do_not_matter(tiny):
    sequences = random_sequences(24, LENGTH, 7)
    calls, track, offsets = at_random(sequences, 7)
    given, copy = both(sequences, calls, track)
    plain = intervene(tiny, given, copy)
    order = np.random.default_rng(1).permutation(24)

    def turned(one: Scored) -> Scored:
        values = np.concatenate([one.track[offsets[i] : offsets[i + 1]][::-1] for i in order])
        start, end = LENGTH - one.seqlets.end[order], LENGTH - one.seqlets.start[order]
        texts = [reverse_complement(one.sequences[i]) for i in order]
        return Scored(Sequences(texts), Calls(np.arange(24), start, end, one.seqlets.score), values)

    again = intervene(tiny, turned(given), turned(copy))
    for name in ("effects", "excess"):
        np.testing.assert_allclose(
            getattr(again, name).select_dtypes("number"),
            getattr(plain, name).select_dtypes("number"),
            rtol=1e-6,
        )
    a, b = (
        one.table[one.table["input"] == "given"].set_index("unit").sort_index()
        for one in (plain, again)
    )
    b.index = order[b.index]
    assert (LENGTH - b["control_end"]).sort_index().tolist() == a["control_start"].tolist()


def test_what_comes_back(tiny):
    sequences = random_sequences(30, LENGTH, 8)
    calls, track, _ = at_random(sequences, 8)
    seen = []
    got = intervene(
        tiny, *both(sequences, calls, track), max_sequences=15,
        on_progress=lambda done, total, stage: seen.append((done, total)),
    )  # fmt: skip
    assert isinstance(got, Intervention)
    assert list(got.table.columns) == INTERVENTION_COLUMNS
    assert got.table["input"].value_counts().to_dict() == {"given": 15, "shuffled copy": 15}
    assert got.n_tried <= got.n_with_seqlet == 30
    assert seen[-1] == (60, 60)
    balance = got.balance.set_index("property")
    assert balance.loc["changed_bases", "standardised_difference"] == 0
    assert balance.loc["gc", "seqlet"] == pytest.approx(0.5, abs=0.1)
    row = got.effects.iloc[0]
    assert row["measure"] == "discriminator"
    assert row["ratio_low"] <= row["median_ratio"] <= row["ratio_high"]
    given = got.table[got.table["input"] == "given"]
    ratio = np.log(given["seqlet_embedding"] / given["control_embedding"])
    assert got.effects.iloc[1]["median_ratio"] == pytest.approx(np.exp(ratio.median()))


def test_an_encoder_without_a_head_gives_the_embedding_alone(tiny):
    sequences = random_sequences(5, LENGTH, 9)
    calls, track, _ = at_random(sequences, 9)
    headless = nucel_model.random_control(tiny, 1)
    got = intervene(headless, *both(sequences, calls, track))
    assert got.effects["measure"].tolist() == 2 * ["embedding", "random_control_embedding"]
    assert got.table["seqlet_discriminator"].isna().all()
    assert got.sentence.startswith("Not tested: only")


def test_without_seqlets_nothing_is_claimed(tiny):
    none = Calls(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    given = Scored(Sequences(random_sequences(2, LENGTH, 1)), none, np.zeros(2 * LENGTH))
    got = intervene(tiny, given, given)
    assert len(got.table) == 0
    assert np.isnan(got.effects["p"]).all()
    assert got.sentence.startswith("Not tested: only 0 of 0")


def test_a_sequence_beyond_the_context_is_refused(tiny):
    sequences = ["ACGT" * 100]
    calls, track, _ = at_random(sequences, 0)
    with pytest.raises(InputError, match=r"400 bases, but tiny reads 256 .* Cut"):
        intervene(tiny, *both(sequences, calls, track))


def test_no_difference_at_all_is_no_evidence():
    assert wilcoxon_p(np.zeros(30)) == 1.0
    assert np.isnan(wilcoxon_p(np.zeros(0)))


def verdict(low: float, gc_difference: float) -> str:
    names = ("discriminator", "embedding")
    excess = pd.DataFrame(
        [{"measure": n, "ratio": 1.2, "low": low, "high": 1.4, "n_given": 50, "n_shuffled": 40}
         for n in names]
    )  # fmt: skip
    balance = pd.DataFrame(
        [
            {"property": "score", "seqlet": 2, "control": 0, "standardised_difference": 3.0},
            {"property": "gc", "seqlet": 0.6, "control": 0.5,
             "standardised_difference": gc_difference},
        ]
    )  # fmt: skip
    table = pd.DataFrame({"input": ["given"] * 50 + ["shuffled copy"] * 40})
    return Intervention(table, pd.DataFrame(), excess, balance, 50, 50).sentence


def test_only_an_interval_above_one_is_a_claim() -> None:
    assert verdict(0.98, 0.0).startswith("In 50 sequences and 40 shuffled copies, no effect of")
    assert "moves the discriminator and the embedding" in verdict(1.01, 0.0)


def test_pairs_that_are_not_alike_are_told_in_the_sentence() -> None:
    assert "differ" not in verdict(1.1, 0.09)
    assert "The pairs differ in GC (0.60 against 0.50, -0.15 sd)" in verdict(1.1, -0.15)


@pytest.mark.parametrize("n", [3, 6, 9])
def test_few_values_get_the_exact_p_of_all_signs_with_ties_and_zeros(n):
    rng = np.random.default_rng(n)
    for _ in range(8):
        values = rng.integers(-2, 4, size=n).astype(float)
        values[0] = 1.0
        expected = wilcoxon(
            values, alternative="greater", method=PermutationMethod(n_resamples=np.inf)
        )
        assert wilcoxon_p(values) == pytest.approx(float(expected.pvalue), abs=1e-12)
    assert wilcoxon_p(np.array([2.0])) == 0.5
