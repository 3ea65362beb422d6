"""The Nucleotide Transformer is the published one: tokens, keys, counts, numbers.

v1 is held against transformers' EsmModel; v2, which transformers cannot build, against a plain
reference written here from the published layout.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from nucel_model import (
    ConfigError,
    FolderError,
    NTConfig,
    Nucel,
    NucleotideTransformer,
    from_pretrained,
    nt_config,
    save_pretrained,
    untrained_twin,
)
from nucel_model.nt_config import nt_config_from_json, nt_config_to_json
from nucel_model.nt_tokenizer import CLS, MASK, PAD, batch, tokenize

TOLERANCE = 1e-5
LONG = "AAAACCCCGGGGTTTTACGTNACGTNNNNACGTTGCAACGTACGT"


def small(version: str, **changes: int) -> NTConfig:
    shape = {
        "hidden_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 80,
    }
    return NTConfig(version=version, **(shape | changes))  # type: ignore[arg-type]


def model(version: str, seed: int = 0, **changes: int) -> Nucel:
    encoder = NucleotideTransformer(small(version, **changes))
    generator = torch.Generator().manual_seed(seed)
    for p in encoder.parameters():  # biases too, or a forgotten one would not be seen
        p.data = torch.randn(p.shape, generator=generator) * 0.2
    return Nucel(encoder, name=f"nt-{version}").eval()


def dna(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


# tokens


@pytest.mark.parametrize(("version", "word"), [("v1", 367), ("v2", 369)])
def test_golden_tokens_of_three_six_mers(version: str, word: int) -> None:
    ids, mask = batch([tokenize("ATTCCG" * 3, version)])
    assert ids.tolist() == [[CLS, word, word, word]]
    assert mask.all()


def test_golden_tokens_with_n_and_leftovers() -> None:
    tokens = tokenize(LONG, "v1")
    assert [CLS, *tokens.ids.tolist()] == [
        3, 14, 2819, 1366, 4103, 4101, 4104, 4100, 4102, 4103, 4101, 4104, 4104, 4104, 4104,
        731, 2097, 4100, 4102, 4103, 4101,
    ]  # fmt: skip
    assert tokens.widths.sum() == len(LONG)
    assert np.flatnonzero(tokens.is_n).tolist() == [5, 10, 11, 12, 13]
    assert tokens.starts.tolist()[:7] == [0, 6, 12, 18, 19, 20, 21]
    shifted = tokenize(LONG, "v2").ids
    assert np.array_equal(shifted, tokens.ids + 2)


def test_counts_of_tokens() -> None:
    assert len(tokenize(dna(251), "v2").ids) + 1 == 47
    assert len(tokenize(dna(1024), "v2").ids) + 1 == 175


def test_lower_case_counts_and_other_letters_are_n() -> None:
    assert np.array_equal(tokenize("acgtac", "v2").ids, tokenize("ACGTAC", "v2").ids)
    assert tokenize("ACGRU", "v2").is_n.tolist() == [False, False, False, True, True]
    assert len(tokenize("", "v1").ids) == 0


# shapes and folders


def on_meta(name: str, **options: bool) -> int:
    with torch.device("meta"):
        network = NucleotideTransformer(nt_config(name), **options)
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_are_the_published_ones() -> None:
    assert on_meta("v2-50m") == 55_904_972
    assert on_meta("v2-50m", with_head=False) == 53_534_401
    assert on_meta("v2-100m") == 97_889_132
    assert on_meta("v2-250m") == 235_120_780
    assert on_meta("v2-500m") == 498_345_436


def test_contexts_are_the_published_ones() -> None:
    assert nt_config("v2-100m").context_bp == 12_282
    assert nt_config("500m-human-ref").context_bp == 5_994


def test_v2_keys_are_the_published_ones() -> None:
    keys = set(NucleotideTransformer(small("v2", num_hidden_layers=1)).state_dict())
    layer = "esm.encoder.layer.0."
    both = ("weight", "bias")
    wanted = {"esm.embeddings.word_embeddings.weight", "esm.embeddings.position_embeddings.weight"}
    for part in ("attention.LayerNorm", "attention.output.dense", "LayerNorm"):
        wanted |= {f"{layer}{part}.{x}" for x in both}
    for part in ("query", "key", "value"):
        wanted |= {f"{layer}attention.self.{part}.{x}" for x in both}
    wanted |= {f"{layer}intermediate.dense.weight", f"{layer}output.dense.weight"}
    wanted.add(f"{layer}attention.self.rotary_embeddings.inv_freq")
    for part in ("esm.encoder.emb_layer_norm_after", "esm.contact_head.regression"):
        wanted |= {f"{part}.{x}" for x in both}
    wanted |= {f"lm_head.{part}.{x}" for part in ("dense", "layer_norm") for x in both}
    wanted |= {"lm_head.decoder.weight", "lm_head.bias"}
    assert keys == wanted


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_config_json_both_ways(version: str) -> None:
    config = small(version)
    assert nt_config_from_json(json.loads(json.dumps(nt_config_to_json(config)))) == config


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_folder_both_ways(tmp_path, version: str) -> None:
    one = model(version)
    save_pretrained(one, tmp_path / "nt")
    back = from_pretrained(tmp_path / "nt")
    assert back.name == "nt"
    ids, mask = one.tokens([dna(40), dna(23)])
    with torch.no_grad():
        assert torch.equal(one(ids, mask).last_hidden_state, back(ids, mask).last_hidden_state)


def test_a_folder_without_its_head_is_an_encoder(tmp_path) -> None:
    folder = save_pretrained(model("v2"), tmp_path / "nt")
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {k: t for k, t in tensors.items() if not k.startswith("lm_head")},
        folder / "model.safetensors",
    )
    with pytest.raises(ValueError, match="without its language-model head"):
        from_pretrained(folder).encoder.base_probabilities("ACGTAC")


@pytest.mark.parametrize("key", ["lm_head.bias", "esm.encoder.layer.1.attention.self.query.bias"])
def test_a_missing_key_is_named(tmp_path, key: str) -> None:
    folder = save_pretrained(model("v2"), tmp_path / "nt")
    tensors = load_file(folder / "model.safetensors")
    del tensors[key]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(FolderError, match=f"missing {key}"):
        from_pretrained(folder)


def test_an_extra_key_is_named(tmp_path) -> None:
    folder = save_pretrained(model("v1"), tmp_path / "nt")
    tensors = load_file(folder / "model.safetensors") | {"esm.pooler.dense.bias": torch.zeros(2)}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(FolderError, match=r"not expected esm\.pooler\.dense\.bias"):
        from_pretrained(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 4105}, "vocab_size 4105 is not the 4107"),
        ({"model_type": "bert"}, "describes a 'bert' model"),
        ({"position_embedding_type": "alibi"}, "neither absolute"),
        ({"token_dropout": True}, "token_dropout is True"),
        ({"layer_norm_eps": None}, "lacks 'layer_norm_eps'"),
        ({"hidden_size": 50}, "must be an even whole number"),
    ],
)
def test_a_wrong_config_is_named(tmp_path, changes: dict[str, object], message: str) -> None:
    folder = save_pretrained(model("v2"), tmp_path / "nt")
    data = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(data | changes))
    with pytest.raises(ConfigError, match=message):
        from_pretrained(folder)


def test_weights_of_another_vocabulary_are_named(tmp_path) -> None:
    folder = save_pretrained(model("v2"), tmp_path / "nt")
    tensors = load_file(folder / "model.safetensors")
    key = "esm.embeddings.word_embeddings.weight"
    tensors[key] = tensors[key][:4105].contiguous()
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(FolderError, match=r"word_embeddings.weight has shape \(4105, 48\)"):
        from_pretrained(folder)


def test_a_hub_id_that_cannot_be_fetched_says_where_and_under_which_licence(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FolderError, match=r"CC BY-NC-SA 4\.0") as caught:
        from_pretrained("InstaDeepAI/nucleotide-transformer-v2-100m-multi-species")
    assert "\n" not in str(caught.value)


def test_no_discriminator_scores() -> None:
    with pytest.raises(FolderError, match="no discriminator"):
        model("v2").replaced_logit(torch.zeros(1, 3, 48))


def test_the_twin_has_the_shape_and_other_weights() -> None:
    one = model("v2")
    twin, again = untrained_twin(one, 3), untrained_twin(one, 3)
    assert twin.config == one.config
    key = "esm.encoder.layer.0.output.dense.weight"
    assert torch.equal(twin.encoder.state_dict()[key], again.encoder.state_dict()[key])
    assert not torch.equal(twin.encoder.state_dict()[key], one.encoder.state_dict()[key])


# numbers


def padded(version: str) -> tuple[torch.Tensor, torch.Tensor]:
    return batch([tokenize(s, version) for s in (LONG, dna(100, 1), dna(7, 2))])


def test_v1_is_transformers_esm() -> None:
    transformers = pytest.importorskip("transformers")
    ours = model("v1").encoder
    theirs = transformers.EsmForMaskedLM(
        transformers.EsmConfig(**nt_config_to_json(ours.config), attn_implementation="eager")
    ).eval()
    wanted = {k for k in theirs.state_dict() if not k.endswith(("position_ids", "inv_freq"))}
    assert wanted - {"lm_head.decoder.bias"} <= set(ours.state_dict())
    theirs.load_state_dict(ours.state_dict(), strict=False)
    ids, mask = padded("v1")
    ids[1, 3] = ids[0, 2] = MASK  # the embeddings are rescaled by how much is masked
    with torch.no_grad():
        reference = theirs(ids, mask.long(), output_attentions=True, output_hidden_states=True)
        mine = ours(ids, mask, output_attentions=True, output_hidden_states=True)
        logits = ours.lm_head(mine.last_hidden_state)
        plain = ours(ids, mask).last_hidden_state
    assert (logits - reference.logits)[mask].abs().max() < TOLERANCE
    assert (plain - mine.last_hidden_state)[mask].abs().max() < TOLERANCE
    assert len(mine.attentions) == len(reference.attentions) == 3
    rows = mask[:, None, :, None]
    for a, b in zip(mine.attentions, reference.attentions, strict=True):
        assert ((a - b) * rows).abs().max() < TOLERANCE


def reference_v2(state: dict[str, torch.Tensor], ids: torch.Tensor, n_heads: int):
    """One unpadded sequence, read off the published layout."""
    x = state["esm.embeddings.word_embeddings.weight"][ids]
    length, width = x.shape
    dim = width // n_heads
    angle = torch.arange(length)[:, None] / 10_000 ** (torch.arange(0, dim, 2) / dim)
    cos, sin = angle.cos().repeat(1, 2), angle.sin().repeat(1, 2)

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (width,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-12)

    def turn(x: torch.Tensor) -> torch.Tensor:
        half = torch.cat([-x[..., dim // 2 :], x[..., : dim // 2]], dim=-1)
        return x * cos + half * sin

    maps, layer = [], 0
    while f"esm.encoder.layer.{layer}.LayerNorm.weight" in state:
        name = f"esm.encoder.layer.{layer}"
        y = norm(x, f"{name}.attention.LayerNorm")
        q, k, v = (
            linear(y, f"{name}.attention.self.{part}").reshape(length, n_heads, dim).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        probs = (turn(q / math.sqrt(dim)) @ turn(k).transpose(1, 2)).softmax(dim=-1)
        maps.append(probs)
        y = (probs @ v).transpose(0, 1).reshape(length, width)
        x = x + linear(y, f"{name}.attention.output.dense")
        first, second = linear(norm(x, f"{name}.LayerNorm"), f"{name}.intermediate.dense").chunk(
            2, dim=-1
        )
        x = x + linear(first * torch.sigmoid(first) * second, f"{name}.output.dense")
        layer += 1
    return norm(x, "esm.encoder.emb_layer_norm_after"), maps


def test_v2_is_the_published_layout() -> None:
    ours = model("v2").encoder
    ids, mask = padded("v2")
    with torch.no_grad():
        mine = ours(ids, mask, output_attentions=True)
        for i, row in enumerate(ids):
            n = int(mask[i].sum())
            hidden, maps = reference_v2(ours.state_dict(), row[:n], 4)
            assert (mine.last_hidden_state[i, :n] - hidden).abs().max() < TOLERANCE
            for a, b in zip(mine.attentions, maps, strict=True):
                assert (a[i, :, :n, :n] - b).abs().max() < TOLERANCE


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_profile_is_the_maps_reduced(version: str) -> None:
    one = model(version)
    ids, mask = padded(version)
    with torch.no_grad():
        maps = torch.stack(one(ids, mask, output_attentions=True).attentions, dim=1)
        hidden = one(ids, mask).last_hidden_state
    profile = one.profile(ids, mask)
    assert (profile.last_hidden_state - hidden)[mask].abs().max() < TOLERANCE
    n_id = 4104 if version == "v1" else 4106
    for i in range(len(ids)):
        n = int(mask[i].sum())
        query = (ids[i, :n] != CLS) & (ids[i, :n] != n_id)
        a = maps[i, :, :, :n, :n]
        received = a[:, :, query].sum(dim=2) / (query.sum() / n)
        got = profile.received[i, :, :, : n - 1]
        assert (got - received[..., 1:])[..., query[1:]].abs().max() < 1e-4
        assert got[..., ~query[1:]].isnan().all()
        assert (profile.cls_share[i] - a[:, :, query, 0].mean(dim=2)).abs().max() < TOLERANCE


def uniform(version: str) -> Nucel:
    """Attention that prefers nothing: queries are 0."""
    one = model(version)
    for name, p in one.encoder.named_parameters():
        if ".query." in name:
            p.data.zero_()
    return one


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_uniform_attention_is_one_at_every_base(version: str) -> None:
    received = uniform(version).profile_sequences([LONG, dna(100)]).received
    assert received.shape == (2, 3, 4, 100)
    is_n = torch.tensor([c == "N" for c in LONG])
    assert (received[0, ..., : len(LONG)][..., ~is_n] - 1).abs().max() < 1e-6
    assert received[0, ..., : len(LONG)][..., is_n].isnan().all()
    assert received[0, ..., len(LONG) :].isnan().all()
    assert (received[1] - 1).abs().max() < 1e-6


def test_mass_of_a_sequence_is_its_length_and_leftovers_weigh_six_times_as_much() -> None:
    text = "ACGTACG"  # one six-mer and one single base, half the tokens' attention each
    by_hand = torch.tensor([7 / 2 / 6] * 6 + [7 / 2])
    flat = uniform("v2").encoder.profile_sequences([text], "mass").received
    assert (flat[0] - by_hand).abs().max() < 1e-6
    for i, s in enumerate((LONG, dna(100))):
        got = model("v1").encoder.profile_sequences([LONG, dna(100)], "mass").received[i]
        known = len(s) - s.count("N")
        assert (got.nansum(dim=-1) - known).abs().max() < 1e-4


def test_bases_of_a_token_share_its_number() -> None:
    one = model("v2")
    text = dna(27, 5)
    by_base = one.profile_sequences([text]).received[0]
    by_token = one.profile(*one.tokens([text])).received[0]
    for token, (start, end) in enumerate([(0, 6), (6, 12), (12, 18), (18, 24), (24, 25)]):
        assert torch.equal(
            by_base[..., start:end], by_token[..., [token]].expand(-1, -1, end - start)
        )


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_base_probabilities_are_the_plain_sum(version: str) -> None:
    encoder = model(version).encoder
    text = "ACGTTGNCA"
    got = encoder.base_probabilities(text)
    assert got.shape == (9, 4)
    assert got[6].isnan().all()
    assert (got[[0, 1, 2, 3, 4, 5, 7, 8]].sum(dim=1) - 1).abs().max() < 1e-5
    ids, _ = batch([tokenize(text, version)])
    with torch.no_grad():
        ids[0, 1] = MASK
        p = encoder.lm_head(encoder(ids).last_hidden_state)[0, 1].softmax(dim=-1)
        for k in (0, 3, 5):
            agreeing = [text[:k] + base + text[k + 1 : 6] for base in "ACGT"]
            four = torch.stack([p[int(tokenize(word, version).ids[0])] for word in agreeing])
            assert (got[k] - four / four.sum()).abs().max() < TOLERANCE
        ids, _ = batch([tokenize(text, version)])
        ids[0, 4] = MASK
        p = encoder.lm_head(encoder(ids).last_hidden_state)[0, 4].softmax(dim=-1)
        four = torch.stack([p[int(tokenize(base, version).ids[0])] for base in "ACGT"])
        assert (got[8] - four / four.sum()).abs().max() < TOLERANCE


def test_too_long_says_the_limit_and_the_way_out() -> None:
    one = model("v2")
    with pytest.raises(ValueError, match=r"12,282 bp without N\): cut the sequence into windows"):
        one.profile_sequences([dna(12_283)])
    short = model("v2", max_position_embeddings=10)
    assert short.config.context_bp == 42
    assert short.profile_sequences([dna(42)]).received.shape[-1] == 42


def test_padding_on_the_left_is_refused() -> None:
    ids = torch.tensor([[PAD, CLS, 7]])
    with pytest.raises(ValueError, match="padding goes on the right"):
        model("v1")(ids, ids != PAD)
