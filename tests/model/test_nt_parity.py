"""The Nucleotide Transformer: v1 is transformers' ESM, v2 the published layout written out plainly.

All weights, biases and norms are random, so that none can be left out unseen. Everything is fp32
and eager; only what stands at real tokens is compared.
"""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from nucel_model import NTConfig, NucleotideTransformer
from nucel_model.nt_config import nt_config_to_json
from nucel_model.nt_tokenizer import CLS, MASK, PAD

transformers = pytest.importorskip("transformers")

TOLERANCE = 1e-5
LENGTHS = ((1,), (2,), (7,), (40, 40), (40, 33, 1), (130, 129, 64))
SMALL = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}


def small(version) -> NTConfig:
    return NTConfig(version=version, intermediate_size=80, max_position_embeddings=150, **SMALL)


def randomise(module: torch.nn.Module, sharpness: float) -> None:
    """No parameter keeps a value that a forgotten one would have by chance.

    Queries and keys times 1.6 give keys with over half of a query's attention. Sharper ones test
    the arithmetic alone: times 4, transformers' own fp32 is 6e-5 away from its fp64.
    """
    with torch.no_grad():
        for name, p in module.named_parameters():
            if "norm" in name.lower() and name.endswith("weight"):
                p.copy_(1 + 0.3 * torch.randn_like(p))
            else:
                p.copy_(0.1 * torch.randn_like(p))
            if ".query." in name or ".key." in name:
                p *= sharpness
            if name.endswith("embeddings.weight"):
                p[PAD] = 0


def make_batch(config: NTConfig, lengths, masked: bool) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(4, config.vocab_size, (len(lengths), max(lengths)))
    ids[:, 0] = CLS
    if masked:  # more in one row than in another: the rescale is a row's own
        chance = torch.linspace(0.05, 0.4, len(lengths))[:, None]
        ids[:, 1:] = torch.where(torch.rand(ids[:, 1:].shape) < chance, MASK, ids[:, 1:])
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return ids.masked_fill(~mask, PAD), mask


def v1_pair(sharpness: float):
    """transformers' model and ours with the same weights, loaded by the same names."""
    config = small("v1")
    kept = {
        k: v
        for k, v in nt_config_to_json(config).items()
        if k not in ("architectures", "model_type")
    }
    theirs = transformers.EsmForMaskedLM(
        transformers.EsmConfig(**kept, attn_implementation="eager")
    ).eval()
    randomise(theirs, sharpness)
    ours = NucleotideTransformer(config).eval()
    ours.load_state_dict(theirs.state_dict())  # strict: the names are transformers' own
    return theirs, ours


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    transformers.utils.logging.disable_progress_bar()
    yield
    transformers.utils.logging.enable_progress_bar()


@torch.no_grad()
@pytest.mark.parametrize("masked", [False, True], ids=["no mask tokens", "mask tokens"])
@pytest.mark.parametrize("sharpness", [1.0, 1.6], ids=["even", "sharp"])
def test_v1_output_logits_and_every_map_equal_transformers(sharpness, masked, record_property):
    theirs, ours = v1_pair(sharpness)
    worst = {"hidden": 0.0, "maps": 0.0, "logits": 0.0}
    top = 0.0
    for lengths in LENGTHS:
        ids, mask = make_batch(ours.config, lengths, masked)
        a = theirs.esm(
            ids, attention_mask=mask.long(), output_attentions=True, output_hidden_states=True
        )
        b = ours(ids, mask, output_attentions=True, output_hidden_states=True)
        assert len(b.attentions) == len(a.attentions) == 3
        logits = theirs(ids, attention_mask=mask.long()).logits
        rows = mask[:, None, :, None]
        pairs = {
            "hidden": [
                (a.last_hidden_state[mask], b.last_hidden_state[mask]),
                *(
                    (x[mask], y[mask])
                    for x, y in zip(a.hidden_states, b.hidden_states, strict=True)
                ),
            ],
            "maps": [(x * rows, y * rows) for x, y in zip(a.attentions, b.attentions, strict=True)],
            "logits": [(logits[mask], ours.lm_head(b.last_hidden_state)[mask])],
        }
        for name, both in pairs.items():
            for x, y in both:
                error = (x - y).abs() / x.abs().clamp(min=1)
                worst[name] = max(worst[name], error.max().item())
        if max(lengths) > 2:
            top = max(top, *((x * rows)[..., 1:].max().item() for x in a.attentions))
    record_property("worst", str(worst))
    assert max(worst.values()) < TOLERANCE, worst
    if sharpness > 1:
        assert top > 0.5  # the comparison has seen sharp attention, not only an even spread


@torch.no_grad()
def test_v1_without_a_mask_equals_transformers_without_one():
    theirs, ours = v1_pair(1.6)
    ids, _ = make_batch(ours.config, (50, 50), masked=False)
    torch.testing.assert_close(
        ours(ids).last_hidden_state, theirs.esm(ids).last_hidden_state, atol=TOLERANCE, rtol=0
    )


def test_v1_state_dict_has_transformers_names_and_no_other():
    theirs, ours = v1_pair(1.0)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


# v2: the published layout, one sequence at a time, one head at a time ----------------------------


def turned(x: torch.Tensor) -> torch.Tensor:
    """Rotary positions as complex numbers: (tokens, dim), column i paired with i + dim/2."""
    n, dim = x.shape
    angle = torch.arange(n).double()[:, None] / 10_000 ** (
        torch.arange(dim // 2).double() * 2 / dim
    )
    z = torch.complex(x[:, : dim // 2], x[:, dim // 2 :]) * torch.polar(angle * 0 + 1, angle)
    return torch.cat([z.real, z.imag], dim=1)


def v2_by_definition(state: dict[str, torch.Tensor], ids: torch.Tensor, config: NTConfig):
    """Final hidden states, logits and maps (layers, heads, tokens, tokens) of (tokens,) ids."""
    w = {k: t.double() for k, t in state.items()}

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        x = x - x.mean(dim=-1, keepdim=True)
        x = x / (x.pow(2).mean(dim=-1, keepdim=True) + config.layer_norm_eps).sqrt()
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)

    dim, maps = config.hidden_size // config.num_attention_heads, []
    x = w["esm.embeddings.word_embeddings.weight"][ids]
    for layer in range(config.num_hidden_layers):
        at = f"esm.encoder.layer.{layer}"
        normed = norm(x, f"{at}.attention.LayerNorm")
        q, k, v = (linear(normed, f"{at}.attention.self.{n}") for n in ("query", "key", "value"))
        heads, mixed = [], []
        for h in range(config.num_attention_heads):
            own = slice(h * dim, (h + 1) * dim)
            scores = turned(q[:, own] * dim**-0.5) @ turned(k[:, own]).T
            heads.append(torch.softmax(scores, dim=-1))
            mixed.append(heads[-1] @ v[:, own])
        maps.append(torch.stack(heads))
        x = x + linear(torch.cat(mixed, dim=-1), f"{at}.attention.output.dense")
        inner = linear(norm(x, f"{at}.LayerNorm"), f"{at}.intermediate.dense")
        x1, x2 = inner[:, : config.intermediate_size], inner[:, config.intermediate_size :]
        x = x + linear(x1 * torch.sigmoid(x1) * x2, f"{at}.output.dense")
    x = norm(x, "esm.encoder.emb_layer_norm_after")
    inner = linear(x, "lm_head.dense")
    inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
    logits = norm(inner, "lm_head.layer_norm") @ w["lm_head.decoder.weight"].T + w["lm_head.bias"]
    return x, logits, torch.stack(maps)


@torch.no_grad()
@pytest.mark.parametrize("sharpness", [1.0, 1.6], ids=["even", "sharp"])
def test_v2_equals_the_published_layout_written_out_plainly(sharpness, record_property):
    config = small("v2")
    ours = NucleotideTransformer(config).eval()
    randomise(ours, sharpness)
    worst, top = {"hidden": 0.0, "maps": 0.0, "logits": 0.0}, 0.0
    for lengths in LENGTHS:
        ids, mask = make_batch(config, lengths, masked=True)
        got = ours(ids, mask, output_attentions=True)
        logits = ours.lm_head(got.last_hidden_state)
        for i, n in enumerate(lengths):
            hidden, wanted_logits, maps = v2_by_definition(ours.state_dict(), ids[i, :n], config)
            ours_maps = torch.stack([m[i, :, :n] for m in got.attentions])
            assert (ours_maps[..., n:] == 0).all()  # nothing goes to padding
            for name, x, y in (
                ("hidden", hidden, got.last_hidden_state[i, :n]),
                ("maps", maps, ours_maps[..., :n]),
                ("logits", wanted_logits, logits[i, :n]),
            ):
                error = (x - y).abs() / x.abs().clamp(min=1)
                worst[name] = max(worst[name], error.max().item())
            top = max(top, maps[..., 1:].max().item() if n > 2 else 0.0)
    record_property("worst", str(worst))
    assert max(worst.values()) < TOLERANCE, worst
    if sharpness > 1:
        assert top > 0.5


@torch.no_grad()
def test_v2_does_not_read_its_position_table_and_v1_does():
    for version, reads in (("v1", True), ("v2", False)):
        model = NucleotideTransformer(small(version)).eval()
        ids, mask = make_batch(model.config, (20, 11), masked=False)
        before = model(ids, mask).last_hidden_state
        model.esm.embeddings.position_embeddings.weight += torch.randn(150, 48)
        assert torch.equal(before, model(ids, mask).last_hidden_state) is not reads


@torch.no_grad()
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("backend", ["sdpa", "matmul"])
def test_every_kernel_gives_what_the_plain_one_gives(version, backend):
    model = NucleotideTransformer(small(version)).eval()
    randomise(model, 1.6)
    ids, mask = make_batch(model.config, (130, 70), masked=False)
    model.backend = "eager"
    wanted = model(ids, mask).last_hidden_state[mask]
    model.backend = backend
    got = model(ids, mask).last_hidden_state[mask]
    torch.testing.assert_close(got, wanted, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_gradients_reach_every_weight_that_is_used(version):
    model = NucleotideTransformer(small(version))
    ids, mask = make_batch(model.config, (20, 11), masked=False)
    logits = model.lm_head(model(ids, mask).last_hidden_state[mask])
    F.cross_entropy(logits, ids[mask]).backward()
    unused = {n for n, p in model.named_parameters() if p.grad is None}
    wanted = {"esm.contact_head.regression.weight", "esm.contact_head.regression.bias"}
    if version == "v2":
        wanted.add("esm.embeddings.position_embeddings.weight")
    assert unused == wanted


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_too_long_an_input_names_the_limit_and_the_way_out(version):
    model = NucleotideTransformer(small(version)).eval()
    ids, _ = model.tokens(["ACGTAC" * 148])
    with pytest.raises(ValueError, match=r"148 tokens .* 147 .*882 bp.*windows"):
        model(ids)
    model(ids[:, :-1])


def test_the_published_limits_are_named_in_bases():
    config = NTConfig(
        version="v2",
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    model = NucleotideTransformer(config)
    with pytest.raises(ValueError, match=r"12,282 bp.*windows"):
        model(*model.tokens(["A" * 12_288]))


def test_padding_on_the_left_and_a_mask_of_another_shape_are_refused():
    model = NucleotideTransformer(small("v2"))
    ids, mask = make_batch(model.config, (9, 9), masked=False)
    with pytest.raises(ValueError, match="padding goes on the right"):
        model(ids, mask.clone().index_fill_(1, torch.tensor([0]), False))
    with pytest.raises(ValueError, match=r"attention_mask is \(2, 8\), input_ids \(2, 9\)"):
        model(ids, mask[:, :8])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_first_weights_are_the_seeds_own_with_or_without_the_head(version):
    a, b = (NucleotideTransformer(small(version), with_head=h) for h in (True, False))
    a.init_weights(3)
    b.init_weights(3)
    for name, tensor in b.state_dict().items():
        assert torch.equal(tensor, a.state_dict()[name]), name
    b.init_weights(4)
    table = "esm.embeddings.word_embeddings.weight"
    assert not torch.equal(a.state_dict()[table], b.state_dict()[table])
    assert (b.state_dict()[table][PAD] == 0).all()
