"""A stretch of a long sequence gets the numbers that the whole sequence gives it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from nucel_interp.scoring import score_sequences
from nucel_interp.scoring.long_sequences import (
    LongSequence,
    Stretch,
    cut_shards,
    cut_stretches,
    is_flipped,
    pieces_between,
    score_stretches,
)
from nucel_interp.scoring.tiling import cut_pieces
from nucel_interp.types import canonical, reverse_complement
from nucel_model import Nucel, from_pretrained
from tests.interp.scoring.letter_model import LetterModel, Shape
from tests.toy import dna

STEP = 2.0**-10
"""Of float16, which tracks are kept in."""


@pytest.fixture(scope="module")
def model(tiny_folder) -> Nucel:
    """Random weights, sharpened so that attention depends on the window."""
    loaded = from_pretrained(tiny_folder)
    with torch.no_grad():
        for name, p in loaded.encoder.named_parameters():
            if "Wqkv" in name or "embeddings" in name:
                p.mul_(8)
    return loaded


def long_sequence(text: str) -> LongSequence:
    def fetch(start: int, end: int) -> str:
        assert 0 <= start <= end <= len(text)
        return text[start:end]

    return LongSequence(len(text), fetch, is_flipped(fetch, len(text)))


@pytest.mark.parametrize("seed", range(8))
def test_windows_of_a_stretch_are_those_of_the_whole_with_a_part_in_it(seed):
    rng = random.Random(seed)
    for _ in range(60):
        token_bp = rng.choice([1, 6])
        context = rng.randrange(2, 12) * 6 + (rng.randrange(6) if token_bp == 1 else 0)
        length, flipped = rng.randrange(1, 400), rng.random() < 0.5
        whole = cut_pieces(np.array([length]), context, [flipped], token_bp)
        whole.sort(key=lambda p: p.start)
        assert pieces_between(length, context, flipped, token_bp, 0, length) == whole
        start, end = sorted(rng.choices(range(length + 1), k=2))
        assert pieces_between(length, context, flipped, token_bp, start, end) == [
            p for p in whole if max(start, p.used[0]) < min(end, p.used[1])
        ]


def test_a_chromosome_costs_no_list_of_its_windows():
    (piece,) = pieces_between(10**12, 255, False, 1, 5 * 10**11, 5 * 10**11 + 1)
    assert piece.start < 5 * 10**11 < piece.end == piece.start + 255


@pytest.mark.parametrize("block", [1, 3, 100])
def test_the_canonical_strand_is_found_from_both_ends(block):
    texts = ["ACGT", "A", "T", "NNACNN", "NNTGNN", "NNNN", "ACGTACGT", "GATTACA", "TGTAATC"]
    texts += [dna(30, seed) for seed in range(20)]
    for text in texts:
        found = is_flipped(lambda a, b, text=text: text[a:b], len(text), block)
        assert found == (canonical(text) != text)


@pytest.mark.parametrize("turned", [False, True])
def test_a_stretch_gets_what_the_whole_sequence_gives_it(model, turned):
    text = dna(700, 1) + "N" * 300 + dna(500, 2)
    text = reverse_complement(text) if turned else text
    whole = score_sequences(model, [text])
    mean = whole.received.astype(np.float32).mean(axis=0)
    assert whole.replaced is not None
    of = long_sequence(text)
    for start, end in [(0, 1500), (130, 131), (0, 70), (333, 1277), (1490, 1500)]:
        (found,) = score_stretches(model, [Stretch(of, start, end)])
        np.testing.assert_allclose(found.attention, mean[start:end], rtol=STEP)
        np.testing.assert_allclose(found.replaced, whole.replaced[start:end], rtol=1e-5, atol=1e-5)


def test_every_head_comes_when_it_is_asked_for(model):
    text = dna(40, 3) + "N" * 400 + dna(500, 4)
    whole = score_sequences(model, [text]).received.astype(np.float32)
    (plain,) = score_stretches(model, [Stretch(long_sequence(text), 30, 800)])
    (found,) = score_stretches(model, [Stretch(long_sequence(text), 30, 800)], heads=True)
    assert plain.received is None
    assert found.received is not None
    assert found.received.dtype == np.float16
    np.testing.assert_allclose(found.received.astype(np.float32), whole[:, 30:800], rtol=STEP)


def test_a_whole_sequence_of_longer_tokens_is_windowed_as_ever():
    # N crowd its first window, so all its windows are shorter than the context
    text = dna(20, 5) + "N" * 15 + dna(100, 6)
    letters = LetterModel(Shape(context_bp=60))
    wanted = score_sequences(letters, [text])
    (found,) = score_stretches(letters, [Stretch(long_sequence(text), 0, len(text))])
    mean = wanted.received.astype(np.float32).mean(axis=0)
    np.testing.assert_array_equal(found.attention, mean)
    in_parts = score_stretches(letters, [Stretch(long_sequence(text), 0, len(text) - 1)])
    assert not np.array_equal(in_parts[0].attention, mean[:-1], equal_nan=True)


def test_many_stretches_at_once_are_kept_apart(monkeypatch):
    monkeypatch.setattr("nucel_interp.scoring.long_sequences.MOST_NUMBERS", 1)  # a window at a time
    letters = LetterModel()
    texts = [long_sequence(dna(300, seed)) for seed in range(3)]
    stretches = [Stretch(texts[i], a, b) for i, a, b in [(2, 5, 90), (0, 0, 300), (2, 200, 201)]]
    done: list[int] = []
    together = score_stretches(letters, stretches, strands="forward", on_progress=done.append)
    assert sum(done) == 85 + 300 + 1
    assert len(done) > 3
    for stretch, found in zip(stretches, together, strict=True):
        (alone,) = score_stretches(letters, [stretch], strands="forward")
        assert found.attention.tolist() == alone.attention.tolist()
        assert found.replaced is None


def test_windows_without_a_base_are_not_read():
    letters = LetterModel()
    text = long_sequence("N" * 5000)
    done: list[int] = []
    (found,) = score_stretches(letters, [Stretch(text, 100, 4900)], on_progress=done.append)
    assert np.isnan(found.attention).all()
    assert letters.read == []
    assert sum(done) == 4800


def test_shards_hold_every_base_once_and_read_one_window_again_where_they_are_cut():
    sequences = [LongSequence(n, lambda a, b: "A" * (b - a), n % 2 == 0) for n in (5000, 333, 4001)]
    regions = [(0, 0, 5000), (1, 10, 20), (1, 30, 333), (2, 1000, 1001), (2, 2000, 4001)]
    context, size = 60, 500
    shards = cut_stretches(sequences, regions, context, 1, size)
    flat = [stretch for shard in shards for stretch in shard]
    joined: list[tuple[int, int, int]] = []
    for number, start, end in flat:
        if joined and joined[-1][0] == number and joined[-1][2] == start:
            joined[-1] = (number, joined[-1][1], end)
        else:
            joined.append((number, start, end))
    assert joined == regions
    held = [sum(end - start for _, start, end in shard) for shard in shards]
    assert max(held) <= size + context
    assert min(held[:-1]) >= size - context

    def windows(stretches):
        return sum(
            len(pieces_between(sequences[n].length, context, sequences[n].flipped, 1, a, b))
            for n, a, b in stretches
        )

    assert windows(flat) == windows(regions) + len(flat) - len(regions)


def test_shards_are_cut_from_a_stream_and_records_that_fit_are_left_whole():
    taken: list[int] = []

    def stream():
        for number, length in enumerate([400, 400, 300, 1500, 90, 10_000_000]):
            taken.append(number)
            of = LongSequence(length, lambda a, b: "A" * (b - a), False)
            yield Stretch(of, 0, length)

    shards = cut_shards(stream(), 60, 1, 1000)
    assert [(s.start, s.end) for s in next(shards)] == [(0, 400), (0, 400)]
    assert taken == [0, 1, 2]
    long = [[(s.of.length, s.start, s.end) for s in next(shards)] for _ in range(3)]
    assert [[length for length, _, _ in shard] for shard in long[:2]] == [
        [300, 1500],
        [1500, 90, 10_000_000],
    ]
    assert long[0][0] == (300, 0, 300)
    assert long[0][1][2] == long[1][0][1]  # goes on where the last one ended
    assert taken == list(range(6))


def test_no_stretches_are_no_shards():
    assert list(cut_shards([], 60, 1, 1000)) == []
