"""Running a model: windows, strands, batches, and what N gives.

Tracks are stored as float16, which keeps 11 bits: two numbers that agree to 1e-5 before rounding
may end one step apart, at most 2^-10 of their size. Hence `STEP`.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from nucel_interp.scoring import score_sequences
from nucel_interp.scoring import scores as runner
from nucel_interp.scoring.tiling import Blend, cut_pieces
from nucel_interp.types import reverse_complement
from nucel_model import Nucel, NucelConfig, NucelEncoder, tokenizer
from tests.interp.scoring.letter_model import LetterModel, Shape
from tests.toy import dna, nucel, shape

STEP = 2.0**-10
HALF_WIDTH = 8


def config(context: int = 256, local_only: bool = False) -> NucelConfig:
    kinds = {"layer_types": ("sliding_attention",) * 3} if local_only else {}
    return shape(3, 32, context, 2 * HALF_WIDTH, intermediate_size=48, **kinds)


def sharp(config: NucelConfig, head: bool = True) -> Nucel:
    """Its attention is far from uniform."""
    return nucel(config, head=head, sharper=8)


def with_context(model: Nucel, context: int) -> Nucel:
    """The same weights, reading longer or shorter windows."""
    shape = dataclasses.replace(model.config, max_position_embeddings=context + 1)
    other = Nucel(NucelEncoder(shape), model.discriminator_head)
    other.encoder.load_state_dict(model.encoder.state_dict())
    return other.eval()


def same(a: np.ndarray, b: np.ndarray, tolerance: float = STEP) -> None:
    np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=tolerance, atol=2e-5)


def test_one_sequence_is_the_mean_of_both_strands() -> None:
    model, sequence = sharp(config()), dna(100)
    got = score_sequences(model, [sequence])
    tracks, logits = [], []
    for text in (sequence, reverse_complement(sequence)):
        ids, mask = tokenizer.batch([tokenizer.encode(text)])
        with torch.inference_mode():
            profile = model.profile(ids, mask)
            logit = model.replaced_logit(profile.last_hidden_state)[0].numpy()
        turn = slice(None) if text == sequence else slice(None, None, -1)
        tracks.append(profile.received[0].flatten(0, 1).numpy()[:, turn])
        logits.append(logit[turn])
    same(got.received, (tracks[0] + tracks[1]) / 2)
    assert got.replaced == pytest.approx((logits[0] + logits[1]) / 2, abs=1e-5)
    forward = score_sequences(model, [sequence], strands="forward")
    same(forward.received, tracks[0])
    assert np.isnan(forward.rc_consistency).all()
    assert np.abs(tracks[0] - tracks[1]).max() > 0.05


def test_stitched_windows_are_the_direct_track() -> None:
    # A base is kept from a window whose edges are 64 bases away or more. Three local layers reach
    # no farther than 8 for the query, 8 for its keys, and 8 for each layer below: 32.
    model, sequence = sharp(config(128, local_only=True)), dna(700)
    stitched = score_sequences(model, [sequence])
    direct = score_sequences(with_context(model, 1000), [sequence])
    same(stitched.received, direct.received)
    assert stitched.replaced == pytest.approx(direct.replaced, abs=1e-4)


def test_windows_too_short_for_the_layers_are_seen_to_differ() -> None:
    model, sequence = sharp(config(40, local_only=True)), dna(700)
    stitched = score_sequences(model, [sequence]).received.astype(float)
    direct = score_sequences(with_context(model, 1000), [sequence]).received.astype(float)
    assert np.abs(stitched - direct).max() > 0.05


@pytest.mark.parametrize("length", [1, 255, 256, 257, 258, 383, 384, 385, 1000])
def test_windows_cover_every_base_once_from_a_middle_half(length: int) -> None:
    pieces, turned = (cut_pieces(np.array([length]), 256, [flip]) for flip in (False, True))
    mirrored = [(length - p.end, length - p.keep_end, length - p.keep_start) for p in turned]
    assert mirrored == [(p.start, p.keep_start, p.keep_end) for p in pieces]
    kept = [(p.keep_start, p.keep_end) for p in pieces]
    assert kept[0][0] == 0
    assert kept[-1][1] == length
    assert all(a[1] == b[0] for a, b in pairwise(kept))
    for p in pieces:
        assert 0 <= p.start <= p.keep_start < p.keep_end <= p.end <= length
        assert p.end - p.start <= 256
        assert p.keep_start - p.start >= 64 or p.start == 0
        assert p.end - p.keep_end >= 64 or p.end == length


@pytest.mark.parametrize("length", [90, 600])
def test_the_other_strand_gives_the_flipped_track(length: int) -> None:
    model, sequence = sharp(config()), dna(length, letters="ACGTN")
    forward = score_sequences(model, [sequence])
    turned = score_sequences(model, [reverse_complement(sequence)])
    same(turned.received[:, ::-1], forward.received)
    assert turned.replaced[::-1] == pytest.approx(forward.replaced, abs=2e-5, nan_ok=True)
    assert turned.rc_consistency == pytest.approx(forward.rc_consistency, abs=1e-3)


def test_company_and_order_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    model = sharp(config())
    sequences = [dna(n, n) for n in (30, 200, 7, 600, 200, 64, 1, 90)]
    together = score_sequences(model, sequences)
    monkeypatch.setattr(runner, "TOKENS_PER_BATCH", 1)  # one by one
    alone = score_sequences(model, sequences)
    same(together.received, alone.received)
    assert together.replaced == pytest.approx(alone.replaced, abs=1e-5)
    for name in ("cls_share", "n_share", "entropy", "rc_consistency"):
        assert getattr(together, name) == pytest.approx(getattr(alone, name), abs=1e-5)


def test_the_order_of_the_file_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TOKENS_PER_BATCH", 600)
    monkeypatch.setattr(runner, "SAMPLED_BASES", 500)
    model = sharp(config())
    sequences = [dna(50, n) for n in range(30)]
    first = score_sequences(model, sequences)
    order = np.random.default_rng(0).permutation(30)
    second = score_sequences(model, [sequences[i] for i in order])
    shape = (6, 30, 50)
    assert np.array_equal(first.received.reshape(shape)[:, order], second.received.reshape(shape))
    assert np.array_equal(first.rc_consistency, second.rc_consistency)
    assert np.array_equal(first.entropy, second.entropy)


def test_n_has_no_score_and_everything_else_has() -> None:
    sequence = dna(60) + "NNNR" + dna(60, 1)
    got = score_sequences(sharp(config()), [sequence, "N", "NNN" + dna(300, 2)])
    unknown = np.array([c not in "ACGT" for c in sequence + "N" + "NNN"] + [False] * 300)
    assert np.array_equal(np.isnan(got.received), np.tile(unknown, (6, 1)))
    assert np.array_equal(np.isnan(got.replaced), unknown)
    assert np.isfinite(got.entropy).all()
    assert (got.n_share > 0).all()


def test_no_sequence_and_empty_sequences() -> None:
    model = sharp(config())
    got = score_sequences(model, [])
    assert got.received.shape == (6, 0)
    assert got.offsets.tolist() == [0]
    assert np.isnan(got.rc_consistency).all()
    got = score_sequences(model, ["", dna(20), ""])
    assert got.offsets.tolist() == [0, 0, 20, 20]
    assert np.isfinite(got.received).all()


def test_without_the_head_there_is_no_discriminator_score() -> None:
    assert score_sequences(sharp(config(), head=False), [dna(20)]).replaced is None


def test_progress_counts_every_base_once() -> None:
    seen: list[int] = []
    score_sequences(sharp(config()), [dna(600), dna(50)], on_progress=seen.append)
    assert sum(seen) == 650


def test_uniform_attention_is_one_everywhere_and_strands_agree() -> None:
    model = sharp(config())
    with torch.no_grad():
        for name, p in model.encoder.named_parameters():
            if "Wqkv" in name:
                p.zero_()
    got = score_sequences(model, [dna(700), dna(40, 1)])
    assert np.allclose(got.received.astype(float), 1.0, atol=1e-3)


def letters_only(context: int) -> LetterModel:
    return LetterModel(Shape(context_bp=context))


@pytest.mark.parametrize("length", [60, 61, 65, 90, 121, 500])
@pytest.mark.parametrize("turned", [False, True])
def test_windows_of_six_base_tokens_are_whole_tokens(length: int, turned: bool) -> None:
    pieces = cut_pieces(np.array([length]), 60, [turned], 6)
    assert all((p.end - p.start) % 6 == 0 for p in pieces)
    assert sum(p.keep_end - p.keep_start for p in pieces) == length
    if not turned:
        assert all(p.start % 6 == 0 for p in pieces[:-1])
        assert pieces[-1].end == length


@pytest.mark.parametrize("length", [59, 60, 61, 64, 200])
@pytest.mark.parametrize("frames", [False, True])
def test_no_window_has_more_tokens_than_the_model_reads(length: int, frames: bool) -> None:
    # 59 bases fit into 60, but are 9 words and 5 left over: 14 tokens, where 10 fit.
    # The model refuses more.
    for sequence in (dna(length), dna(length // 2) + "N" * 12 + dna(length // 2, 1)):
        got = score_sequences(letters_only(60), [sequence], frames=frames)
        unknown = [c == "N" for c in sequence]
        assert np.isnan(got.received[0]).tolist() == unknown


def test_a_stretch_of_n_alone_needs_windows_too() -> None:
    got = score_sequences(letters_only(60), ["N" * 130 + dna(30)])
    assert np.isnan(got.received[0]).sum() == 130


@pytest.mark.parametrize("frames", [False, True])
def test_a_model_of_six_base_tokens_reads_the_other_strand_alike(frames: bool) -> None:
    sequences = [dna(n, n, "ACGTN") if n < 50 else dna(n, n) for n in (7, 30, 45, 100, 300)]
    model = letters_only(60)
    forward = score_sequences(model, sequences, frames=frames)
    turned = score_sequences(model, [reverse_complement(s) for s in sequences], frames=frames)
    for begin, end in pairwise(forward.offsets):
        same(turned.received[:, begin:end][:, ::-1], forward.received[:, begin:end])
    assert turned.rc_consistency == pytest.approx(forward.rc_consistency, abs=1e-3)


def test_one_reading_gives_every_base_of_a_token_its_number() -> None:
    sequence = "AAACCC" + "GGGGGG" + "TA"
    got = score_sequences(letters_only(60), [sequence], strands="forward").received[0]
    assert got.astype(float).tolist() == [1.25] * 12 + [0.75, 0.5]


def test_tokens_not_bases_fill_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TOKENS_PER_BATCH", 88)  # 4 x (10 words + [CLS]) of either strand
    model = letters_only(60)
    score_sequences(model, [dna(60, n) for n in range(8)])
    assert [len(texts) for texts in model.read] == [8, 8]


def test_a_model_of_single_bases_pads_nothing() -> None:
    model = LetterModel(Shape(token_bp=1, context_bp=60))
    score_sequences(model, [dna(n, n) for n in (20, 30, 20, 30, 31, 20, 100)])
    assert sorted((len(texts), len(texts[0])) for texts in model.read) == [
        (2, 31), (4, 30), (6, 20), (6, 60),
    ]  # fmt: skip
    assert all(len(set(map(len, texts))) == 1 for texts in model.read)


def test_the_mass_rule_is_passed_on_and_windows_total_their_length() -> None:
    sequences = [dna(50), dna(31, 1)]
    for frames in (False, True):
        got = score_sequences(letters_only(60), sequences, rule="mass", frames=frames)
        for begin, end in pairwise(got.offsets):
            total = got.received[:, begin:end].astype(float).sum(axis=1)
            assert total == pytest.approx(end - begin, rel=STEP)
    density = score_sequences(letters_only(60), sequences)
    assert density.received[0].astype(float).sum() != pytest.approx(81, rel=0.01)


@pytest.mark.parametrize("length", [60, 61, 65, 90, 121, 500])
@pytest.mark.parametrize("token_bp", [1, 6])
@pytest.mark.parametrize("turned", [False, True])
def test_what_windows_weigh_adds_up_to_one(length: int, token_bp: int, turned: bool) -> None:
    pieces = cut_pieces(np.array([length]), 60, [turned], token_bp)
    blend, total = Blend(), np.zeros(length)
    for p in pieces:
        for start, end, values in blend.add(0, p, np.ones(p.end - p.start, dtype=np.float32)):
            total[start:end] += values
    assert total.tolist() == [1] * length


def test_windows_fade_linearly_into_the_next_in_any_order() -> None:
    pieces = cut_pieces(np.array([400]), 256, [False])
    assert len(pieces) == 3
    expected = np.zeros(400)
    for number, p in enumerate(pieces):
        weight = np.ones(400)
        if number:
            weight *= np.clip((np.arange(400) + 0.5 - (p.keep_start - 16)) / 32, 0, 1)
        if number < 2:
            weight *= np.clip((p.keep_end + 16 - np.arange(400) - 0.5) / 32, 0, 1)
        expected += weight * (number + 1)
    found = []
    for order in (pieces, pieces[::-1], [pieces[1], pieces[2], pieces[0]]):
        blend, track = Blend(), np.full(400, np.nan)
        for p in order:
            values = np.full(p.end - p.start, pieces.index(p) + 1, dtype=np.float32)
            for start, end, part in blend.add(0, p, values):
                track[start:end] = part
        found.append(track)
    assert found[0] == pytest.approx(expected, abs=1e-6)
    assert np.abs(np.diff(found[0])).max() < 0.032
    assert found[0].tolist() == found[1].tolist() == found[2].tolist()


@pytest.mark.parametrize("where", [100, 400])
def test_the_track_at_a_border_is_both_windows_blend(where: int) -> None:
    model, text = sharp(config(128)), dna(700)
    pieces = cut_pieces(np.array([700]), model.config.context_bp, [False])
    whole = score_sequences(model, [text], strands="forward").received.astype(float)
    p, q = next((a, b) for a, b in pairwise(pieces) if a.keep_end > where)
    own = [
        score_sequences(model, [text[x.start : x.end]], strands="forward").received.astype(float)
        for x in (p, q)
    ]
    at = np.arange(p.keep_end - p.fade_end, p.keep_end + p.fade_end)
    share = (np.arange(len(at)) + 0.5) / len(at)
    expected = own[0][:, at - p.start] * (1 - share) + own[1][:, at - q.start] * share
    assert p.fade_end == model.config.context_bp // 16
    assert whole[:, at] == pytest.approx(expected, rel=2e-3, abs=1e-6)  # kept as fp16
