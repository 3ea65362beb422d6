"""The Nucleotide Transformer in folders and on bases: keys, refusals, profiles, probabilities.

Its tokens, shapes and numbers are held against the published ones in the files beside this one.
"""

from __future__ import annotations

import json
import sys
import types

import pytest
import torch
from safetensors.torch import load_file, save_file

from nucel_model import (
    ConfigError,
    FolderError,
    NTConfig,
    Nucel,
    NucleotideTransformer,
    from_pretrained,
    random_control,
    save_pretrained,
)
from nucel_model.heads import ClassificationHead
from nucel_model.nt_bases import by_mass
from nucel_model.nt_tokenizer import CLS, MASK, batch, tokenize
from tests.toy import dna

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


# folders


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
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FolderError, match=r"CC BY-NC-SA 4\.0") as caught:
        from_pretrained("InstaDeepAI/nucleotide-transformer-v2-100m-multi-species")
    assert "\n" not in str(caught.value)


def pretend_hub(monkeypatch, answer) -> list[str]:
    """A huggingface_hub that reaches no net; returns the ids it is asked for."""
    asked: list[str] = []

    def snapshot_download(name: str, allow_patterns: list[str]) -> str:
        asked.append(name)
        assert {p.rpartition(".")[2] for p in allow_patterns} == {"json", "safetensors", "txt"}
        assert {"config.json", "model.safetensors", "vocab.txt", "vocab.json"} < {*allow_patterns}
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    module = types.ModuleType("huggingface_hub")
    module.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return asked


def test_a_hub_id_is_fetched_where_the_hub_is_installed(tmp_path, monkeypatch) -> None:
    one = model("v2")
    asked = pretend_hub(monkeypatch, save_pretrained(one, tmp_path / "1f3c9e"))
    back = from_pretrained("InstaDeepAI/small")
    assert asked == ["InstaDeepAI/small"]
    assert back.name == "small"  # not the number of the commit, after which the folder is called
    assert back.config == one.config


def test_a_fetch_that_fails_is_one_line_with_the_reason_and_the_licence(monkeypatch) -> None:
    pretend_hub(monkeypatch, OSError("no route to host.\nand a page of advice"))
    with pytest.raises(FolderError, match=r"no route to host\. Get .*CC BY-NC-SA 4\.0") as caught:
        from_pretrained("InstaDeepAI/small")
    assert "\n" not in str(caught.value)


def test_a_mistyped_folder_does_not_go_to_the_net(monkeypatch) -> None:
    asked = pretend_hub(monkeypatch, OSError("asked"))
    with pytest.raises(FolderError, match="there is no model folder runs/modle"):
        from_pretrained("runs/modle")
    assert asked == []


def test_positions_that_older_files_list_are_passed_over(tmp_path) -> None:
    one = model("v1")
    path = save_pretrained(one, tmp_path / "nt") / "model.safetensors"
    listed = {"esm.embeddings.position_ids": torch.arange(1002)[None]}
    save_file(load_file(path) | listed, path)
    back = from_pretrained(tmp_path / "nt")
    assert back.state_dict().keys() == one.state_dict().keys()


def test_pickled_weights_are_refused_with_what_to_do(tmp_path) -> None:
    folder = save_pretrained(model("v1"), tmp_path / "nt")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FolderError, match=r"pickled weights .*Convert"):
        from_pretrained(folder)


def test_a_classifier_comes_back_with_its_encoder(tmp_path) -> None:
    one = model("v2")
    one.classifier_head = ClassificationHead(48, ["B first", "A first"], "a test")
    back = from_pretrained(save_pretrained(one, tmp_path / "nt"))
    assert back.classifier_head is not None
    assert back.classifier_head.labels == ("B first", "A first")
    assert torch.equal(back.classifier_head.linear.weight, one.classifier_head.linear.weight)


def test_no_discriminator_scores() -> None:
    with pytest.raises(FolderError, match="no discriminator"):
        model("v2").replaced_logit(torch.zeros(1, 3, 48))
    with pytest.raises(FolderError, match="is a Nucleotide Transformer"):
        model("v2").require_discriminator()


def test_the_control_has_the_shape_and_other_weights() -> None:
    one = model("v2")
    control, again = random_control(one, 3), random_control(one, 3)
    assert control.config == one.config
    key = "esm.encoder.layer.0.output.dense.weight"
    assert torch.equal(control.encoder.state_dict()[key], again.encoder.state_dict()[key])
    assert not torch.equal(control.encoder.state_dict()[key], one.encoder.state_dict()[key])


@pytest.mark.parametrize("with_head", [True, False])
def test_the_control_has_a_language_model_head_if_the_model_has(with_head: bool) -> None:
    one = Nucel(NucleotideTransformer(small("v2"), with_head=with_head))
    assert random_control(one, 1).encoder.state_dict().keys() == one.encoder.state_dict().keys()


# numbers


def padded(version: str) -> tuple[torch.Tensor, torch.Tensor]:
    return batch([tokenize(s, version) for s in (LONG, dna(100, 1), dna(7, 2))])


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


def test_mass_by_hand() -> None:
    # a six-mer with half of what is received, an N, two single bases: 8 bases in all
    received = torch.tensor([2.0, float("nan"), 1.0, 1.0]).reshape(1, 1, 4)
    got = by_mass(received, torch.tensor([6, 1, 1, 1]))
    wanted = torch.tensor([2 / 3, float("nan"), 2.0, 2.0]).reshape(1, 1, 4)
    torch.testing.assert_close(got, wanted, equal_nan=True)


@pytest.mark.parametrize("rule", ["density", "mass"])
def test_sequences_without_a_base_have_no_number_and_disturb_no_other(rule) -> None:
    encoder = model("v2").encoder
    got = encoder.profile_sequences(["", "NNN", "ACGTACGTA"], rule)
    alone = encoder.profile_sequences(["ACGTACGTA"], rule)
    assert got.received.shape == (3, 3, 4, 9)
    assert got.received[:2].isnan().all()
    assert got.entropy[:2].isnan().all()
    torch.testing.assert_close(got.received[2], alone.received[0], atol=TOLERANCE, rtol=0)


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
