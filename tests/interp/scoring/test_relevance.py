"""AttnLRP: every rule written out as it is printed, what is conserved, and what is explained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nucel_interp.errors import InputError
from nucel_interp.scoring.relevance import propagated, relevance
from nucel_interp.scoring.target import find_target
from nucel_model import Nucel, tokenizer
from nucel_model.rope import rotary_table
from tests.toy import dna, nt, nucel, shape, tiny, tuned

TEXT = dna(13, 1) + "N" + dna(10, 2)


class ByHand:
    """Relevance handed from layer to layer, one rule at a time, of one text on a fp64 network."""

    def __init__(self, model: Nucel, text: str) -> None:
        self.encoder, self.n_heads = model.encoder, model.config.num_attention_heads
        ids, _ = model.tokens([text])
        self.lost = self.to_attention = 0.0  # by softmax, and to all attention
        self.layers = []
        with torch.no_grad():
            self.x = x = self.encoder.embeddings(ids)[0]
            for number, block in enumerate(self.encoder.layers):
                kept = {"x": x, "n": self.norm(block.attn_norm, x)}
                config = self.encoder.config
                table = rotary_table(len(x), config.head_dim, config.rope_theta(number), x.device)
                q, k, v = (t[0] for t in block.attn.heads(kept["n"][None], table))
                at = torch.arange(len(x))
                reach = config.window(number) or len(x)
                hidden = (at[:, None] - at).abs() > reach
                s = (q @ k.transpose(1, 2) * q.shape[-1] ** -0.5).masked_fill(hidden, -torch.inf)
                kept |= {"q": q, "k": k, "v": v, "s": s, "a": s.softmax(dim=-1), "table": table}
                kept["o"] = kept["a"] @ v
                kept["wide"] = kept["o"].transpose(0, 1).flatten(1)
                kept["added"] = block.attn.Wo(kept["wide"])
                kept["y"] = y = x + kept["added"]
                kept["m"] = self.norm(block.mlp_norm, y)
                kept["value"], kept["gate"] = block.mlp.Wi(kept["m"]).chunk(2, dim=-1)
                kept["g"] = F.gelu(kept["value"]) * kept["gate"]
                kept["out"] = block.mlp.Wo(kept["g"])
                x = y + kept["out"]
                self.layers.append((block, kept))
            self.last, self.hidden = x, self.norm(self.encoder.final_norm, x)

    def norm(self, layer, x: Tensor) -> Tensor:
        return layer(x)

    def back(self, r: Tensor) -> Tensor:
        """From the final hidden state (tokens, hidden) to the embeddings."""
        with torch.no_grad():
            r = self.through_norm(self.encoder.final_norm, self.last, r)
            for block, kept in reversed(self.layers):
                r = self.through(block, kept, r)
        return r

    def through(self, block, kept: dict[str, Tensor], r: Tensor) -> Tensor:
        total = kept["y"] + kept["out"]
        r_y, r_out = kept["y"] / total * r, kept["out"] / total * r
        r_g = linear(block.mlp.Wo.weight, kept["g"], r_out)
        both = torch.cat([kept["value"], kept["gate"]], dim=-1)
        r_m = linear(block.mlp.Wi.weight, kept["m"], torch.cat([r_g / 2, r_g / 2], dim=-1), both)
        r_y = r_y + self.through_norm(block.mlp_norm, kept["y"], r_m)
        r_x, r_added = kept["x"] / kept["y"] * r_y, kept["added"] / kept["y"] * r_y
        self.to_attention += float(r_added.sum())
        r_o = linear(block.attn.Wo.weight, kept["wide"], r_added)
        r_o = r_o.unflatten(1, (self.n_heads, -1)).transpose(0, 1)
        per_term = torch.einsum("hij,hjd,hid->hijd", kept["a"], kept["v"], r_o / kept["o"])
        r_a, r_v = per_term.sum(dim=3) / 2, per_term.sum(dim=1) / 2
        s = kept["s"].masked_fill(kept["s"].isinf(), 0.0)
        r_s = s * (r_a - kept["a"] * r_a.sum(dim=-1, keepdim=True))
        self.lost += float(r_a.sum() - r_s.sum())
        scale = kept["q"].shape[-1] ** -0.5
        share = torch.where(s == 0, 0.0, r_s / s)
        terms = torch.einsum("hid,hjd,hij->hijd", kept["q"], kept["k"], share) * scale
        r_q, r_k = terms.sum(dim=2) / 2, terms.sum(dim=1) / 2
        slopes = [
            self.unturned((r / kept[n]).nan_to_num(), kept["table"])
            for r, n in ((r_q, "q"), (r_k, "k"))
        ]
        slopes.append(r_v / kept["v"])
        slope = torch.cat([t.transpose(0, 1).flatten(1) for t in slopes], dim=1)
        r_n = kept["n"] * (slope @ block.attn.Wqkv.weight)
        if isinstance(block.attn_norm, torch.nn.Identity):
            return r_x + r_n
        return r_x + self.through_norm(block.attn_norm, kept["x"], r_n)

    @staticmethod
    def unturned(r: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
        """Turned back by the positions' angles: the turn is a linear layer."""
        cos, sin = table
        half = r.shape[-1] // 2
        swapped = torch.cat([r[..., half:], r[..., :half]], dim=-1)
        return r * cos - swapped * sin

    @staticmethod
    def through_norm(layer, x: Tensor, r: Tensor) -> Tensor:
        sigma = (x.var(dim=-1, unbiased=False, keepdim=True) + layer.eps).sqrt()
        centring = torch.eye(x.shape[-1]).to(x) - 1 / x.shape[-1]
        weights = layer.weight[:, None] * centring / sigma[:, None]
        z = torch.einsum("tkd,td->tk", weights, x)
        return x * torch.einsum("tkd,tk->td", weights, r / z)


def linear(weight: Tensor, x: Tensor, r: Tensor, z: Tensor | None = None) -> Tensor:
    """R_i = sum over j of x_i w_ji / z_j R_j."""
    z = x @ weight.T if z is None else z
    return x * ((r / z) @ weight)


def wide(model: Nucel) -> Nucel:
    return model.double()


@pytest.mark.parametrize("make", [tiny, lambda: nucel(shape(layers=4, reach=6), sharper=8)])
def test_one_backward_pass_is_the_rules_one_by_one(make) -> None:
    model = wide(make())
    by_hand = ByHand(model, TEXT)
    start = -by_hand.hidden * model.discriminator_head.discriminator_predictions.weight[0].detach()
    start[0] = 0  # [CLS] has no log-odds
    want = by_hand.back(start)
    got = relevance(model, [TEXT])
    base = np.array([c != "N" for c in TEXT])
    expected = np.where(base, want.sum(dim=1)[1:].numpy(), np.nan)
    np.testing.assert_allclose(got[0, 0], expected, rtol=1e-4, atol=1e-6)
    assert np.nanstd(got) > 1e-3


def test_all_but_what_softmax_keeps_is_conserved() -> None:
    model = wide(tiny())
    by_hand = ByHand(model, TEXT)
    start = by_hand.hidden.square()
    found = by_hand.back(start)
    assert abs(by_hand.lost) > 1e-3 * float(start.sum())
    assert float(found.sum()) + by_hand.lost == pytest.approx(float(start.sum()), rel=1e-9)


def test_with_even_attention_softmax_keeps_half_of_what_each_attention_gets() -> None:
    """Scores of 0 are given nothing, and the values' half is all that goes on."""
    model = wide(tiny(head=False))
    for block in model.encoder.layers:
        block.attn.Wqkv.weight.data[:16] = 0
    ids, _ = model.tokens([TEXT])
    x = model.encoder.embeddings(ids).detach().requires_grad_()
    hidden = propagated(model.encoder, x)
    (slope,) = torch.autograd.grad(hidden.square().sum() / 2, x)
    by_hand = ByHand(model, TEXT)
    by_hand.back(by_hand.hidden.square())
    assert by_hand.lost == pytest.approx(by_hand.to_attention / 2, rel=1e-9)
    total = float(hidden.detach().square().sum())
    assert float((x.detach() * slope).sum()) == pytest.approx(total - by_hand.lost, rel=1e-9)


def test_the_pass_is_the_encoders_own() -> None:
    model = tiny()
    ids, _ = model.tokens([TEXT, dna(24, 5)])
    with torch.no_grad():
        got = propagated(model.encoder, model.encoder.embeddings(ids))
        want = model(ids).last_hidden_state
    torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["classes", "regression"])
def test_a_fine_tuned_prediction_is_explained_where_there_is_one(kind) -> None:
    labels = ("no", "yes") if kind == "classes" else ("level",)
    model = wide(tuned(labels, head=True, task=kind))
    target = find_target(model)
    ids, _ = model.tokens([TEXT])
    x = model.encoder.embeddings(ids).detach().requires_grad_()
    value = target.of(model.classifier_head(propagated(model.encoder, x)))
    (slope,) = torch.autograd.grad(value.sum(), x)
    want = (x * slope).sum(dim=-1)[0, 1:].detach().numpy()
    known = tokenizer.is_base(ids)[0, 1:].numpy()
    np.testing.assert_allclose(relevance(model, [TEXT])[0, 0][known], want[known], rtol=1e-4)


def test_company_does_not_matter_and_weights_are_left_as_they_were() -> None:
    model = tiny()
    alone = relevance(model, [TEXT])
    together = relevance(model, [dna(24, 7), TEXT])
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-4, atol=1e-5)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert np.isnan(alone[0, 0]).tolist() == [c == "N" for c in TEXT]


def test_longer_tokens_are_refused() -> None:
    with pytest.raises(InputError, match="tokens of 6 bases, and relevance is of single bases"):
        relevance(nt(), [dna(24)])
