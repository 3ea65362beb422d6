"""A warm start is the model it starts from: constants, heads, polarity; or refused by name."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from nucel_model import (
    Electra,
    MaskedLM,
    Nucel,
    NucelConfig,
    from_pretrained,
    save_pretrained,
)
from nucel_model.heads import ReplacedTokenHead
from nucel_pretrain.ablation.grid import Arm, GridConfig
from nucel_pretrain.ablation.run import ablate
from nucel_pretrain.config import SizeConfig, read_config
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.fit_head import fit_head, head_config
from nucel_pretrain.train import train
from tests.pretrain.cut_runs import OFTEN, CutOff, cut_at, metrics, silent
from tests.pretrain.test_pretrain_config import TOML

OTHER = {
    "local_attention": 4,
    "global_rope_theta": 10_000.0,
    "local_rope_theta": 1_000.0,
    "norm_eps": 1e-12,
}
"""None of it shows in the weights."""
HELD = {"validation": ("chr2:0-1000",)}


def odd_config(size: SizeConfig, **changes) -> NucelConfig:
    config = dataclasses.replace(
        size.encoder(65), **OTHER, layer_types=("full_attention",) * size.layers
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture
def odd(tiny_config, tmp_path):
    """Writes a model whose constants are another's, with its generator."""

    def write(name="odd", **changes):
        tiny = tiny_config()
        model = Electra(
            odd_config(tiny.generator, **changes), odd_config(tiny.discriminator, **changes)
        )
        folder = save_pretrained(
            Nucel(model.discriminator, model.discriminator_head), tmp_path / name
        )
        save_pretrained(Nucel(model.generator, mlm_head=model.generator_head), folder / "generator")
        return folder

    return write


def still(tiny_config, folder, **changes):
    """A run that measures what it was given: its rate is next to nothing."""
    return tiny_config(
        data=HELD,
        loop={"steps": 1, "start_from": str(folder)},
        optim={"learning_rate": 1e-12},
        **changes,
    )


def negated(folder):
    """The same model with a head of the other polarity, as NucEL's own convention is."""
    model = from_pretrained(folder)
    turned = ReplacedTokenHead(model.config, "original")
    turned.load_state_dict({k: -t for k, t in model.discriminator_head.state_dict().items()})
    model.discriminator_head = turned
    save_pretrained(model, folder)


def test_a_head_of_the_other_polarity_is_turned_round(tiny_config, tmp_path):
    shape = {"discriminator": {"hidden": 32, "intermediate": 48}, "electra": {"temperature": 3.0}}
    trained = tiny_config(
        data={**HELD, "batch": 16}, loop={"steps": 120}, optim={"learning_rate": 1e-2}, **shape
    )
    folder = train(trained, tmp_path / "first", say=silent)
    train(still(tiny_config, folder, **shape), tmp_path / "same", say=silent)
    negated(folder)
    said: list[str] = []
    train(still(tiny_config, folder, **shape), tmp_path / "turned", say=said.append)
    one, two = (metrics(tmp_path / run)[-1] for run in ("same", "turned"))
    assert one["validation_auroc"] > 0.65
    assert two["validation_auroc"] == pytest.approx(one["validation_auroc"], abs=1e-6)
    assert two["validation_discriminator_loss"] == pytest.approx(
        one["validation_discriminator_loss"], rel=1e-6
    )
    assert from_pretrained(tmp_path / "turned" / "model").discriminator_head.positive == "replaced"
    assert any("turned round" in line for line in said)


def test_constants_that_the_configuration_does_not_say_are_taken_and_written(
    tiny_config, odd, tmp_path
):
    folder = odd()
    made = train(still(tiny_config, folder), tmp_path / "run", say=silent)
    for inner in (".", "generator"):
        before, after = from_pretrained(folder / inner), from_pretrained(made / inner)
        assert after.config == dataclasses.replace(before.config, max_position_embeddings=33)
        ids = torch.randint(11, 15, (2, 33))
        wanted, got = (m(ids).last_hidden_state for m in (before, after))
        assert torch.allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("network", ["discriminator", "generator"])
@pytest.mark.parametrize(
    ("key", "value", "has"),
    [
        ("heads", 1, 2),
        ("intermediate", 28, ""),
        ("hidden", 32, ""),
        ("layers", 4, ""),
        ("local_attention", 128, 4),
        ("global_rope_theta", 160_000.0, "10000.0"),
        ("local_rope_theta", 10_000.0, "1000.0"),
        ("norm_eps", 1e-5, "1e-12"),
    ],
)
def test_what_the_configuration_says_otherwise_is_refused_by_name(
    tiny_config, odd, tmp_path, network, key, value, has
):
    config = still(tiny_config, odd(), **{network: {key: value}})
    with pytest.raises(
        PretrainError, match=rf"another network.*: {network}\.{key} is {value}, there {has}"
    ) as caught:
        train(config, tmp_path / "run", say=silent)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_layer_pattern_is_compared_and_may_be_said(tiny_config, odd, tmp_path):
    folder = odd()
    third = still(tiny_config, folder, discriminator={"global_every": 3})
    with pytest.raises(PretrainError, match=r"discriminator\.global_every is 3, .*there are GG"):
        train(third, tmp_path / "third", say=silent)
    said = {"global_every": 1, **OTHER}
    same = still(tiny_config, folder, discriminator=said, generator=said)
    made = from_pretrained(train(same, tmp_path / "same", say=silent))
    assert made.config.layer_types == ("full_attention",) * 2


def test_all_differences_are_told_at_once(tiny_config, odd, tmp_path):
    config = still(tiny_config, odd(), discriminator={"heads": 1}, generator={"norm_eps": 1e-6})
    with pytest.raises(PretrainError, match=r"discriminator\.heads.*; generator\.norm_eps"):
        train(config, tmp_path / "run", say=silent)


def test_a_run_goes_on_with_the_constants_it_began_with_though_the_start_has_moved(
    tiny_config, odd, tmp_path
):
    folder = odd()
    config = tiny_config(loop={**OFTEN, "start_from": str(folder)})
    train(config, tmp_path / "whole", say=silent)
    with pytest.raises(CutOff):
        train(config, tmp_path / "cut", say=cut_at("step 6/12"))
    folder.rename(tmp_path / "moved")
    made = from_pretrained(train(config, tmp_path / "cut", say=silent))
    assert made.config.norm_eps == 1e-12
    keys = ("generator_loss", "discriminator_loss")
    one, two = (metrics(tmp_path / run) for run in ("whole", "cut"))
    assert [[m[k] for k in keys] for m in one] == [[m[k] for k in keys] for m in two]


def test_a_folder_of_a_run_from_before_these_keys_goes_on(tiny_config, tmp_path):
    config = tiny_config(loop=OFTEN)
    with pytest.raises(CutOff):
        train(config, tmp_path, say=cut_at("step 6/12"))
    path = tmp_path / "config.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    for network in ("discriminator", "generator"):
        for key in (*OTHER, "global_every"):
            assert written[network].pop(key) is None
    path.write_text(json.dumps(written), encoding="utf-8")
    train(config, tmp_path, say=silent)
    assert len(metrics(tmp_path)) == 12


def test_masked_prediction_takes_and_compares_constants_too(tiny_config, tmp_path):
    model = MaskedLM(odd_config(tiny_config().discriminator))
    folder = save_pretrained(Nucel(model.encoder, mlm_head=model.head), tmp_path / "mlm")
    made = train(still(tiny_config, folder, objective="mlm"), tmp_path / "run", say=silent)
    assert from_pretrained(made).config.norm_eps == 1e-12
    wrong = still(tiny_config, folder, objective="mlm", discriminator={"norm_eps": 1e-5})
    with pytest.raises(PretrainError, match=r"discriminator\.norm_eps is 1e-05, there 1e-12"):
        train(wrong, tmp_path / "wrong", say=silent)


def test_what_no_saved_model_holds_is_refused_in_a_line(tiny_config, odd, tmp_path):
    folder = odd()
    for words, changes in (
        (
            r"shared.*a folder holds what the generator's table amounts to",
            {"electra": {"embeddings": "shared"}},
        ),
        (r"saved models read single bases; tokens\.kind = '6mer'", {"tokens": {"kind": "6mer"}}),
    ):
        with pytest.raises(PretrainError, match=words):
            train(still(tiny_config, folder, **changes), tmp_path / "run", say=silent)
    assert not (tmp_path / "run").exists()


def test_the_shipped_model_starts_as_its_configuration_says(tmp_path):
    """`mini` states the shape of nucel-mini; heads that differ are what AUROC fell by before."""
    from nucel_pretrain.warm_start import Start

    mini = read_config("mini")
    loop = dataclasses.replace(mini.loop, start_from="nucel-mini")
    found = Start.open(dataclasses.replace(mini, loop=loop))
    assert found.encoders.discriminator == mini.discriminator.encoder(mini.data.window + 1)
    assert not found.turned
    three = dataclasses.replace(mini.discriminator, heads=3)
    with pytest.raises(PretrainError, match=r"discriminator\.heads is 3, there 6"):
        Start.open(dataclasses.replace(mini, loop=loop, discriminator=three))


def test_an_arm_that_starts_from_a_model_is_measured_with_its_constants(
    tiny_config, odd, tmp_path, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        "nucel_pretrain.ablation.run.base_scores",
        lambda model, tokens, ids: (
            seen.append(model.discriminator.config.norm_eps) or torch.rand(len(ids), 32).numpy()
        ),
    )
    config = still(tiny_config, odd())
    grid = GridConfig(base="x", flops=2e7, milestones=(1.0,), windows=4)
    ablate(grid, [Arm("odd", config)], tmp_path / "out", say=silent)
    assert seen == [1e-12]


def test_fit_head_does_not_go_on_with_an_encoder_whose_constants_were_changed(
    tiny_config, tmp_path, genome
):
    encoder = Electra(*[tiny_config().discriminator.encoder(65)] * 2).discriminator
    folder = save_pretrained(Nucel(encoder), tmp_path / "released")
    text = (
        TOML.split("[discriminator]")[0]
        + "window = 32\nbatch = 2\n[generator]"
        + TOML.split("[generator]")[1]
    )
    (tmp_path / "head.toml").write_text(text.replace("genome.fa", str(genome)))
    for again in (False, True):
        config = head_config(tmp_path / "head.toml", folder, from_pretrained(folder).config)
        if not again:
            fit_head(folder, config, tmp_path / "head", say=silent)
            said = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            said["norm_eps"] = 1e-12
            (folder / "config.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(PretrainError, match=r"the discriminator's norm_eps was 1e-05, is 1e-12"):
        fit_head(folder, config, tmp_path / "head", say=silent)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("global_every = 0", "discriminator: global_every must be at least 1; got 0"),
        ("norm_eps = 0", "discriminator: norm_eps must be a number above 0"),
        ('norm_eps = "x"', r"discriminator\.norm_eps must be a number; got 'x'"),
        ("local_attention = 1", "discriminator: local_attention must be at least 2"),
        ("local_attention = 1.5", r"discriminator\.local_attention must be a whole number"),
    ],
)
def test_constants_in_toml_are_checked(tmp_path, line, words):
    path = tmp_path / "run.toml"
    path.write_text(TOML.replace("[discriminator]", f"[discriminator]\n{line}"))
    with pytest.raises(PretrainError, match=words):
        read_config(path)
