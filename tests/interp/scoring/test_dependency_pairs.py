"""Pairs of bases that depend on each other: planted in training, planted in a rule, and neither."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from nucel_interp.scoring.dependency import dependency_map
from nucel_interp.scoring.dependency_pairs import copies_each, pair_null, rank_pairs, strengths
from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.types import BASES
from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, tokenizer
from nucel_model.heads import ReplacedTokenHead
from tests.toy import dna

LENGTH, FIRST, SECOND = 12, 0, 11
"""The pair stands at the ends, so that no other pair is as far apart: what so small a model learns
within seconds is the distance."""


def examples(n: int, paired: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Base numbers, a quarter of them replaced, and which; a pair is two complementary bases."""
    bases = torch.randint(0, 4, (n, LENGTH), generator=generator)
    if paired:
        bases[:, SECOND] = 3 - bases[:, FIRST]
    replaced = torch.rand(n, LENGTH, generator=generator) < 0.25
    others = (bases + torch.randint(1, 4, (n, LENGTH), generator=generator)) % 4
    return torch.where(replaced, others, bases), replaced


def trained(paired: bool) -> Nucel:
    """A discriminator trained on sequences whose ends co-vary, or on independent bases."""
    torch.manual_seed(3)
    config = NucelConfig(
        hidden_size=32,
        num_attention_heads=2,
        intermediate_size=32,
        layer_types=every_third_global(2),
        local_attention=64,
        max_position_embeddings=LENGTH + 1,
    )
    model = Nucel(NucelEncoder(config), ReplacedTokenHead(config))
    model.encoder.init_weights(3)
    with torch.no_grad():
        for p in model.encoder.parameters():
            if p.ndim > 1:
                p.mul_(8)  # the spread of 0.02 is for layers of hundreds
    generator = torch.Generator().manual_seed(4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    ends = [FIRST, SECOND]
    for _ in range(200):
        bases, replaced = examples(64, paired, generator)
        ids = torch.cat([torch.full((64, 1), tokenizer.CLS), bases + tokenizer.A], dim=1)
        logits = model.replaced_logit(model(ids).last_hidden_state)
        target = replaced.float()
        # the ends count for more, since they alone can be learned
        loss = binary_cross_entropy_with_logits(logits, target)
        loss = loss + binary_cross_entropy_with_logits(logits[:, ends], target[:, ends])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def mean_strength(model: Nucel) -> np.ndarray:
    """Over sequences that were not trained on, whose ends are complementary."""
    texts = [dna(LENGTH - 1, seed) for seed in range(8)]
    whole = [t + BASES[3 - BASES.index(t[0])] for t in texts]
    maps = dependency_map(model, whole, strands="forward")
    return np.mean([np.nan_to_num(strengths(m.dependency)) for m in maps], axis=0)


def test_two_positions_that_covary_in_training_show_and_without_it_do_not() -> None:
    found, control = mean_strength(trained(True)), mean_strength(trained(False))
    planted = found[FIRST, SECOND]
    others = found.copy()
    others[FIRST, SECOND] = 0
    assert planted > 1  # nats
    assert planted > 2 * others.max()
    assert control.max() < 0.05 * planted


class Rule:
    """A discriminator by rule: any base moves its neighbour a little, and behind the word the bases
    6 and 14 further on must be complementary, or both look replaced."""

    WORD = "GATTCG"
    discriminator_head = object()
    name = "rule"
    config = SimpleNamespace(context_bp=200, hidden_size=1)

    def require_discriminator(self) -> None:
        """It has one."""

    def __init__(self, paired: bool) -> None:
        self.paired = paired

    def parameters(self):
        yield torch.zeros(1)

    def __call__(self, ids: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=ids[..., None])

    def replaced_logit(self, hidden: Tensor) -> Tensor:
        ids = hidden[:, 1:, 0].long()
        out = torch.zeros(ids.shape)
        if not len(ids):
            return out
        weight = 0.2 + 0.1 * torch.sin(ids.float())
        out[:, 1:] += weight[:, :-1]
        out[:, :-1] += weight[:, 1:]
        word = torch.tensor(tokenizer.encode(self.WORD).astype(np.int64))
        for row, text in enumerate(ids if self.paired else []):
            at = (text.unfold(0, len(word), 1) == word).all(dim=1).nonzero()[:, 0]
            for start in at[at + 14 < len(text)].tolist():
                one, two = start + 6, start + 14
                out[row, [one, two]] += -2.0 if text[one] + text[two] == 25 else 2.0
        return out


PLANTED = dna(40, 1) + Rule.WORD + "A" + dna(7, 2) + "T" + dna(40, 3)


def pairs_of(model: Rule, most: int = 1000):
    texts = [PLANTED, *(shuffled(PLANTED, copy=i) for i in range(20))]
    maps = dependency_map(model, texts, strands="forward")  # type: ignore[arg-type]
    null = pair_null((m.dependency for m in maps[1:]), len(PLANTED))
    return rank_pairs(maps[0].dependency, null, most)


def test_a_pair_that_the_sequence_brings_about_stands_out_from_shuffled_copies() -> None:
    found = pairs_of(Rule(True))
    places = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    sure = {place for place, p in zip(places, found.p_record, strict=True) if p < 0.05}
    assert (46, 54) in sure
    element = {*range(40, 47), 54}
    assert all(set(place) <= element for place in sure)  # bases of the word move the pair too
    assert found.fold[places.index((46, 54))] > 10
    assert found.p_pair[places.index((46, 54))] < 0.01


def test_without_the_rule_no_pair_stands_out() -> None:
    found = pairs_of(Rule(False))
    assert found.p_record.min() > 0.05


def test_the_null_by_hand() -> None:
    def near(a: float, b: float, far: float) -> np.ndarray:
        """Symmetric, three bases: two neighbours and one pair two apart."""
        return np.array([[np.nan, a, far], [a, np.nan, b], [far, b, np.nan]])

    null = pair_null([near(1, 3, 2), near(2, 2, 4)], 3)
    assert null.values[0].tolist() == [1, 2, 2, 3]
    assert null.values[1].tolist() == [2, 4]
    # a copy is compared with the others: 3 / 2 and 2 / 4 in the first, 2 / 2 and 4 / 2 in the other
    assert null.strongest.tolist() == [1.5, 2.0]
    found = rank_pairs(near(6, 1, 3), null, 2)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 1), (0, 2)]
    assert found.fold.tolist() == [3.0, 1.0]
    assert found.p_pair.tolist() == [1 / 5, 2 / 3]
    assert found.p_record.tolist() == [1 / 3, 1.0]


def test_both_directions_count_and_a_pair_is_listed_once() -> None:
    d = np.array([[np.nan, 1.0], [3.0, np.nan]])
    got = strengths(d)
    assert got[0, 1] == 2
    assert np.isnan(got[[0, 1, 1], [0, 0, 1]]).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_short_for_a_pair_gives_none(n: int) -> None:
    empty = np.full((n, n), np.nan)
    found = rank_pairs(empty, pair_null([empty] * 20, n), 5)
    assert len(found.first) == len(found.p_record) == 0


def test_twenty_copies_in_all() -> None:
    assert [copies_each(n) for n in (1, 3, 20, 500)] == [20, 7, 1, 1]
