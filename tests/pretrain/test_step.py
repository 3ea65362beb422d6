"""One training step: it learns, it learns the right sign, and it refuses numbers that are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nucel_model import tokenizer
from nucel_pretrain.batches import Batches
from nucel_pretrain.data import Windows
from nucel_pretrain.errors import NonFiniteError
from nucel_pretrain.objectives import ElectraConfig
from nucel_pretrain.optim import OptimConfig, learning_rate, make_optimizer
from nucel_pretrain.step import make_scaler, train_step
from nucel_pretrain.tokens import BaseTokens
from nucel_pretrain.train import build_model
from nucel_pretrain.validate import validate

CPU = torch.device("cpu")


@pytest.fixture
def run(tiny_config):
    """Model, batches of AACAACAAC... with 5 % noise, and a function that does one step."""
    config = tiny_config(
        data={"batch": 16},
        discriminator={"hidden": 32, "intermediate": 48},
        generator={"hidden": 16, "intermediate": 24},
    )
    model = build_model(config, BaseTokens(), CPU)
    optimizer = make_optimizer(model, config.optim)
    rng = np.random.default_rng(0)
    bases = np.tile(list("AAC"), 2000)
    drawn = rng.random(bases.size) < 0.05
    bases[drawn] = rng.choice(list("ACGT"), int(drawn.sum()))
    windows = Windows({"repeat": tokenizer.encode("".join(bases))}, config.data)
    batches = Batches(windows, BaseTokens(), config.masking, seed=0)

    def step(number: int, precision: str = "fp32", **kwargs) -> dict[str, float]:
        return train_step(
            model,
            optimizer,
            next(batches.steps(number, number + 1)),
            electra=config.electra,
            clip=config.optim.clip,
            learning_rate=1e-2,
            precision=precision,
            **kwargs,
        )

    return model, batches, step


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_losses_fall_and_replaced_bases_score_higher(run, precision):
    model, batches, step = run
    before = validate(model, batches, ElectraConfig(), n_batches=2)
    metrics = [step(i, precision) for i in range(70)]
    after = validate(model, batches, ElectraConfig(), n_batches=2)
    assert all(math.isfinite(value) for m in metrics for value in m.values())
    # at first one of 27 tokens is guessed, log 27 = 3.3 nats; knowing the strand leaves A or C
    assert before["validation_generator_loss"] > 3
    assert after["validation_generator_loss"] < 0.9
    assert after["validation_discriminator_loss"] < before["validation_discriminator_loss"]
    assert 0.3 < before["validation_auroc"] < 0.7
    assert after["validation_auroc"] > 0.8
    assert model.training
    # what it learned from its own labels must also hold for bases replaced by hand
    ids = torch.from_numpy(tokenizer.encode("AAC" * 11)[:32].astype(np.int64)).repeat(9, 1)
    ids = torch.cat([torch.full((9, 1), tokenizer.CLS), ids], dim=1)
    rows, places = torch.arange(9), torch.arange(12, 21)
    # A for C and C for A, as the generator errs; a T here is more likely the genome's own noise
    ids[rows, places] = tokenizer.A + tokenizer.C - ids[rows, places]
    with torch.no_grad():
        logit = model.discriminator_head(model.discriminator(ids).last_hidden_state)
    higher = logit[rows, places] - logit[:, 1:].median(dim=1).values
    assert (higher > 0).all()
    assert higher.mean() > 1


def test_metrics_are_the_losses_of_the_batch(run):
    model, batches, step = run
    batch = batches(range(16))
    out = model(batch.input_ids, batch.masked, batch.noise)
    metrics = step(0)
    assert metrics["generator_loss"] == pytest.approx(out.generator_loss.item(), rel=1e-6)
    assert metrics["generator_accuracy"] == pytest.approx(out.generator_accuracy.item(), rel=1e-6)
    assert metrics["loss"] == pytest.approx(
        out.generator_loss.item() + 50 * out.discriminator_loss.item(), rel=1e-6
    )
    assert metrics["learning_rate"] == 1e-2
    assert "skipped" not in metrics


def test_a_loss_that_is_not_a_number_moves_nothing(run):
    model, _, step = run
    step(0)
    with torch.no_grad():
        model.discriminator_head.discriminator_predictions.bias.fill_(float("nan"))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with pytest.raises(NonFiniteError, match="loss nan, gradient norm nan"):
        step(1)
    for name, p in model.named_parameters():
        assert torch.equal(p.nan_to_num(), before[name].nan_to_num()), name


def test_an_infinite_gradient_of_a_finite_loss_moves_nothing(run):
    model, _, step = run
    weight = model.discriminator_head.discriminator_predictions.weight
    weight.register_hook(lambda gradient: gradient + float("inf"))
    before = weight.detach().clone()
    with pytest.raises(NonFiniteError, match=r"loss \d+\.\d+, gradient norm (inf|nan)"):
        step(0)
    assert torch.equal(weight, before)


def test_fp16_skips_an_update_too_large_for_its_scale_and_halves_the_scale(run):
    model, _, step = run
    scaler = make_scaler(CPU, "fp16")
    assert scaler.is_enabled()
    assert scaler.get_scale() == 2.0**16
    scaler.load_state_dict({**scaler.state_dict(), "scale": 2.0**40})
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    metrics = step(0, "fp16", scaler=scaler)
    assert metrics["skipped"] == 1.0
    assert math.isfinite(metrics["loss"])
    assert scaler.get_scale() == 2.0**39
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_fp16_learns_with_unscaled_gradients(run):
    model, _, step = run
    scaler = make_scaler(CPU, "fp16")
    metrics = [step(i, "fp16", scaler=scaler) for i in range(40)]
    skipped = sum(m["skipped"] for m in metrics)
    assert skipped < 10
    assert scaler.get_scale() == 2.0 ** (16 - skipped)
    # scaled, they would be tens of thousands
    assert max(m["gradient_norm"] for m in metrics if not m["skipped"]) < 100
    losses = [m["generator_loss"] for m in metrics]
    assert losses[0] > 3
    assert losses[-1] < 1.2
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_fp16_gives_up_where_no_scale_helps(run):
    model, _, step = run
    weight = model.discriminator_head.discriminator_predictions.weight
    weight.register_hook(lambda gradient: gradient + float("inf"))
    scaler = make_scaler(CPU, "fp16")
    scaler.load_state_dict({**scaler.state_dict(), "scale": 2.0**-12})
    assert step(0, "fp16", scaler=scaler)["skipped"] == 1.0
    assert step(1, "fp16", scaler=scaler)["skipped"] == 1.0
    with pytest.raises(NonFiniteError, match="at any loss scale"):
        step(2, "fp16", scaler=scaler)


def test_only_fp16_scales_its_loss():
    for precision in ("fp32", "bf16"):
        assert not make_scaler(CPU, precision).is_enabled()
        assert make_scaler(CPU, precision).state_dict() == {}


def test_clipping_bounds_the_update(run):
    model, _, step = run
    assert step(0)["gradient_norm"] > 1.0
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert norm == pytest.approx(1.0, rel=1e-3)


def test_weight_decay_is_on_matrices_only(tiny_config):
    model = build_model(tiny_config(), BaseTokens(), CPU)
    optimizer = make_optimizer(model, OptimConfig(weight_decay=0.3))
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert len(decay) == len(list(model.parameters()))
    for name, p in model.named_parameters():
        assert decay[id(p)] == (0.0 if "norm" in name or name.endswith("bias") else 0.3), name


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    config = OptimConfig(learning_rate=2.0, warmup_steps=10, decay_share=0.5)
    rates = [learning_rate(step, 100, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9] == rates[30] == rates[50] == 2.0
    assert rates[75] == pytest.approx(1.0)
    assert rates[100] == 0.0


def test_a_cosine_falls_slowly_then_fast_then_slowly():
    config = OptimConfig(learning_rate=2.0, warmup_steps=10, decay_share=0.5, schedule="cosine")
    rates = [learning_rate(step, 100, config) for step in range(101)]
    assert rates[9] == rates[50] == 2.0
    assert rates[75] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.0, abs=1e-12)
    # half a cosine by hand at a fifth of the way down
    assert rates[60] == pytest.approx(1 + math.cos(math.pi / 5))


def test_a_constant_rate_stays():
    config = OptimConfig(learning_rate=2.0, warmup_steps=4, schedule="constant")
    assert [learning_rate(step, 100, config) for step in (0, 1, 3, 50, 99)] == [
        0.5,
        1.0,
        2.0,
        2.0,
        2.0,
    ]


def test_no_warm_up_begins_at_the_full_rate():
    config = OptimConfig(learning_rate=2.0, warmup_steps=0, schedule="constant")
    assert learning_rate(0, 100, config) == 2.0


@pytest.mark.parametrize(
    ("cls", "values", "words"),
    [
        (ElectraConfig, {"temperature": 0.0}, "temperature"),
        (ElectraConfig, {"discriminator_weight": -1.0}, r"discriminator_weight must be 0 or more"),
        (ElectraConfig, {"top_k": -1}, r"electra\.top_k must be 0 \(all\) or more"),
        (ElectraConfig, {"embeddings": "tied"}, r"electra\.embeddings must be separate or shared"),
        (OptimConfig, {"learning_rate": 0.0}, r"optim\.learning_rate must be above 0"),
        (OptimConfig, {"warmup_steps": -1}, r"optim\.warmup_steps must be 0 or more"),
        (OptimConfig, {"beta2": 1.0}, r"optim\.beta2 must lie in \[0, 1\)"),
        (OptimConfig, {"schedule": "step"}, r"optim\.schedule must be one of linear, cosine"),
    ],
)
def test_values_that_make_no_sense(cls, values, words):
    with pytest.raises(ValueError, match=words):
        cls(**values)
