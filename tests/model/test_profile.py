"""The profile backend gives the reductions that a full map would, without holding one.

The reductions are computed again here from eager maps, in float64, straight from their definitions.
Lengths are in tokens, [CLS] included.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from nucel_model import NucelConfig, NucelEncoder, every_third_global, tokenizer
from nucel_model.backends import Mask, eager
from nucel_model.banded import BLOCK
from nucel_model.heads import ReplacedTokenHead
from nucel_model.profile import Profiler, Roles
from nucel_model.profile_blocks import CACHED, MIN_ROWS

LENGTHS = (1, 2, 63, 64, 65, 129, 1025)


def scaled(config: NucelConfig, scale: float) -> NucelEncoder:
    model = NucelEncoder(config).eval()
    with torch.no_grad():
        for block in model.layers:
            block.attn.Wqkv.weight *= scale
    return model


def visible(ids, mask, window) -> torch.Tensor:
    """(batch, queries, keys) float64: may query i see key j?"""
    at = torch.arange(ids.shape[1])
    near = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool)
    if window is not None:
        near = (at[:, None] - at[None, :]).abs() <= window
    return (near[None] & mask[:, None, :]).double()


def by_definition(maps, ids, mask, config) -> dict[str, torch.Tensor]:
    """Received, entropy and shares of full maps; NaN where a base is not a base."""
    base = ((ids >= tokenizer.A) & (ids <= tokenizer.T) & mask).double()
    not_base = base[:, None, 1:] == 0
    n_bases = base.sum(1).clamp(min=1)[:, None]
    result = {"received": [], "entropy": [], "cls_share": [], "n_share": []}
    for layer, probs in enumerate(maps):
        probs = probs.double()
        see = visible(ids, mask, config.window(layer))
        n_keys = see.sum(2).clamp(min=1)
        column = torch.einsum("bi,bhij->bhj", base, probs)
        expected = torch.einsum("bi,bij->bj", base / n_keys, see)
        received = column / expected[:, None]
        entropy = -torch.xlogy(probs, probs).sum(-1) / torch.log(torch.tensor(2.0).double())
        result["received"].append(received[..., 1:].masked_fill(not_base, float("nan")))
        result["entropy"].append(entropy[..., 1:].masked_fill(not_base, float("nan")))
        for name, token in (("cls_share", tokenizer.CLS), ("n_share", tokenizer.UNK)):
            is_token = ((ids == token) & mask).double()
            mass = torch.einsum("bhij,bj->bhi", probs, is_token)
            result[name].append(torch.einsum("bi,bhi->bh", base, mass) / n_bases)
    return {name: torch.stack(values, dim=1) for name, values in result.items()}


def worst(got: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference relative to max(1, value); NaN must stand at the same places."""
    assert got.dtype == torch.float32
    assert got.shape == wanted.shape
    assert torch.equal(got.isnan(), wanted.isnan())
    difference = (got.double() - wanted).abs() / wanted.abs().clamp(min=1)
    return difference.nan_to_num(0).max().item() if difference.numel() else 0.0


@pytest.mark.parametrize("scale", [1.0, 20.0], ids=["initial", "scaled"])
@pytest.mark.parametrize("window", [128, 32])
def test_profile_is_the_maps_reduced(tiny, random_batch, scale, window, record_property):
    config = dataclasses.replace(tiny, local_attention=window)
    model = scaled(config, scale)
    top, largest = 0.0, dict.fromkeys(("received", "entropy", "cls_share", "n_share"), 0.0)
    for length in LENGTHS:
        ids, mask = random_batch(length, max(1, length - 7))
        with torch.no_grad():
            maps = model(ids, mask, output_attentions=True).attentions
        top = max(top, *(m[:, :, 63:].max().item() for m in maps)) if length == 1025 else top
        wanted = by_definition(maps, ids, mask, config)
        got = model.profile(ids, mask)
        for name, value in wanted.items():
            difference = worst(getattr(got, name), value)
            assert difference <= 1e-5, (name, length)
            largest[name] = max(largest[name], difference)
    record_property("worst", largest)
    assert (top > 0.9) == (scale == 20.0)


@pytest.mark.parametrize("window", [None, 64, 1])
def test_one_layer_reduces_saturated_attention_too(random_batch, window):
    # scores of several hundred, probabilities of exactly 1 and 0: nothing overflows or cancels
    ids, mask = random_batch(200, 130)
    roles = Roles(tokenizer.is_base(ids) & mask, ids == tokenizer.CLS, ids == tokenizer.UNK)
    q, k, v = torch.randn(3, 2, 2, 200, 16)
    q *= 100
    profiler = Profiler(roles)
    out = profiler.attend(q, k, v, Mask(mask, window))
    got = profiler.finish(out)
    wanted_out, probs = eager(q, k, v, Mask(mask, window))
    assert (probs == 1).any()
    assert (out - wanted_out)[mask[:, None].expand(2, 2, 200)].abs().max() <= 1e-5
    kind = "full_attention" if window is None else "sliding_attention"
    config = NucelConfig(
        hidden_size=32,
        num_attention_heads=2,
        intermediate_size=48,
        layer_types=(kind,),
        local_attention=2 * (window or 64),
    )
    for name, value in by_definition([probs], ids, mask, config).items():
        assert worst(getattr(got, name), value) <= 1e-5


def test_special_shares_add_up_with_received(tiny, random_batch):
    # what base queries give away goes to bases, to [CLS] or to N, and nowhere else
    ids, mask = random_batch(150, 90)
    model = scaled(dataclasses.replace(tiny, layer_types=("full_attention",)), 12.0)
    got = model.profile(ids, mask)
    n_bases = tokenizer.is_base(ids).sum(1)
    on_bases = got.received.nansum(-1)[:, 0] / mask.sum(1)[:, None]
    torch.testing.assert_close(
        on_bases + got.cls_share[:, 0] + got.n_share[:, 0], torch.ones(2, 2), atol=1e-5, rtol=0
    )
    assert (n_bases < mask.sum(1) - 1).all()
    assert (got.n_share > 0).all()


def test_padding_and_n_are_nan_and_nothing_else_is(tiny, random_batch):
    ids, mask = random_batch(140, 60)
    got = NucelEncoder(tiny).profile(ids, mask)
    wanted = ~tokenizer.is_base(ids)[:, None, None, 1:].expand_as(got.received)
    assert wanted.any()
    assert torch.equal(got.received.isnan(), wanted)
    assert torch.equal(got.entropy.isnan(), wanted)
    assert got.cls_share.isfinite().all()
    assert got.n_share.isfinite().all()


def test_a_sequence_of_n_alone_is_all_nan_and_leaves_its_neighbour_alone(tiny, random_batch):
    ids, _ = random_batch(50, 50, unknown=False)
    alone = NucelEncoder(tiny).eval()
    wanted = alone.profile(ids[1:])
    ids[0, 1:] = tokenizer.UNK
    got = alone.profile(ids)
    assert got.received[0].isnan().all()
    torch.testing.assert_close(got.received[1], wanted.received[0], atol=1e-5, rtol=0)


def is_one(track: torch.Tensor) -> bool:
    values = track[~track.isnan()]
    assert values.numel() > 0
    return bool((values - 1).abs().max() <= 1e-6)


@pytest.mark.parametrize("length", [2, 63, 64, 65, 129, 130, 301, 1025])
def test_uniform_attention_is_one_everywhere(tiny, random_batch, length):
    model = scaled(tiny, 0.0)
    ids, mask = random_batch(length, max(2, length - 40), unknown=False)
    if length > 20:
        ids[0, 10:13] = tokenizer.UNK  # a run of N and its neighbours
        ids[0, 18] = tokenizer.UNK
        ids[0, length - 1] = tokenizer.UNK  # N at the end
        ids[1, 1] = tokenizer.UNK  # N beside [CLS]
    assert is_one(model.profile(ids, mask).received)


def test_uniform_attention_has_the_entropy_of_its_window(tiny):
    ids = torch.full((1, 301), tokenizer.A)
    ids[:, 0] = tokenizer.CLS
    entropy = scaled(tiny, 0.0).profile(ids).entropy
    middle = entropy[0, :, 0, 149]
    wanted = torch.tensor([301.0, 129.0, 129.0, 301.0]).log2()
    torch.testing.assert_close(middle, wanted, atol=1e-5, rtol=0)
    # token 1 sees tokens 0 .. 65
    assert entropy[0, 1, 0, 0].item() == pytest.approx(torch.tensor(66.0).log2().item(), abs=1e-5)


def test_an_uncorrected_local_column_sum_is_not_one(tiny):
    # what the correction is for: the same uniform maps, only summed over base queries
    model = scaled(tiny, 0.0)
    ids = torch.full((1, 501), tokenizer.C)
    ids[:, 0] = tokenizer.CLS
    local = model(ids, output_attentions=True).attentions[1]
    uncorrected = local[0, 0, 1:, 1:].sum(0)
    assert uncorrected[0].item() == pytest.approx(0.689, abs=0.001)
    assert uncorrected[:250].max().item() == pytest.approx(1.185, abs=0.001)
    assert 62 <= uncorrected[:250].argmax().item() <= 66
    assert uncorrected[250].item() == pytest.approx(1.0, abs=1e-5)
    assert not is_one(uncorrected)
    assert is_one(model.profile(ids).received[:, 1])


def test_bf16_autocast_does_not_blur_the_reductions(tiny, random_batch):
    model = scaled(tiny, 0.0)
    ids, mask = random_batch(301, 250)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = model.profile(ids, mask)
    assert got.received.dtype == got.entropy.dtype == torch.float32
    assert is_one(got.received)


def test_bf16_weights_work(tiny, random_batch):
    ids, mask = random_batch(130, 100)
    model = scaled(tiny, 1.0)
    wanted = model.profile(ids, mask).received
    got = model.bfloat16().profile(ids, mask).received
    assert got.dtype == torch.float32
    # bf16 keeps 8 bits: scores, and so received, agree to about a hundredth
    torch.testing.assert_close(got, wanted, atol=0.02, rtol=0, equal_nan=True)


def test_the_hidden_state_of_a_profile_can_go_on_into_a_head(tiny, random_batch):
    ids, mask = random_batch(20, 15)
    hidden = NucelEncoder(tiny).profile(ids, mask).last_hidden_state
    head = ReplacedTokenHead(tiny)
    head(hidden).sum().backward()
    assert head.discriminator_predictions.weight.grad is not None


class Largest(TorchDispatchMode):
    """Notes the largest tensor that any operation gives out."""

    def __init__(self):
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, tuple | list) else (out,):
            if isinstance(value, torch.Tensor):
                self.numel = max(self.numel, value.numel())
        return out


def test_no_temporary_is_larger_than_a_block_of_query_rows():
    length, heads = 1500, 4
    config = NucelConfig(
        hidden_size=32,
        num_attention_heads=heads,
        intermediate_size=48,
        layer_types=every_third_global(2),
    )
    model = NucelEncoder(config).eval()
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, (1, length))
    ids[:, 0] = tokenizer.CLS
    mask = torch.ones_like(ids)
    mask[:, -10:] = 0
    with Largest() as seen:
        model.profile(ids, mask)
    block = max(CACHED, MIN_ROWS * length) + 32 * length  # rows are rounded up to 32
    assert seen.numel <= torch.get_num_threads() * block < heads * length * length
    with torch.no_grad(), Largest() as seen:
        model(ids, mask, output_attentions=True)
    assert seen.numel >= heads * length * length


def test_a_local_layer_touches_only_the_keys_it_can_see():
    length, heads, window = 1500, 4, 64
    config = NucelConfig(
        hidden_size=32,
        num_attention_heads=heads,
        intermediate_size=48,
        layer_types=("sliding_attention",) * 2,
        local_attention=2 * window,
    )
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, (1, length))
    ids[:, 0] = tokenizer.CLS
    with Largest() as seen:
        NucelEncoder(config).eval().profile(ids)
    banded = heads * (length + BLOCK) * (BLOCK + 2 * window)
    assert seen.numel <= banded < heads * length * length / 8


def test_under_the_mass_rule_a_sequence_totals_its_known_bases() -> None:
    config = NucelConfig(
        hidden_size=32, num_attention_heads=4, intermediate_size=48,
        layer_types=every_third_global(2),
    )  # fmt: skip
    model = scaled(config, 20)
    texts = ["ACGTNACGTTGCA", "GATTACA"]
    plain = model.profile_sequences(texts).received
    mass = model.profile_sequences(texts, "mass").received
    for i, text in enumerate(texts):
        known = torch.tensor([c != "N" for c in text])
        mine, other = mass[i, ..., : len(text)][..., known], plain[i, ..., : len(text)][..., known]
        assert (mine.sum(dim=-1) - known.sum()).abs().max() < 1e-4
        assert (mine / other - (mine / other)[..., :1]).abs().max() < 1e-5
    assert torch.equal(mass.isnan(), plain.isnan())
