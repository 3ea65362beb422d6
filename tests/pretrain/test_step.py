"""One training step: it learns, it learns the right sign, and it refuses numbers that are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nucel_model import tokenizer
from nucel_pretrain.data import Windows
from nucel_pretrain.evaluate import auroc, validate
from nucel_pretrain.optim import OptimConfig, learning_rate, make_optimizer
from nucel_pretrain.step import ElectraConfig, NonFiniteError, electra_forward, electra_step
from nucel_pretrain.train import build_model


@pytest.fixture
def run(tiny_config):
    """Model, windows of AACAACAAC... with 5 % noise, and a function that does one step."""
    config = tiny_config(
        data={"batch": 16},
        discriminator={"hidden": 32, "intermediate": 48},
        generator={"hidden": 16, "intermediate": 24},
    )
    model = build_model(config)
    optimizer = make_optimizer(model, config.optim)
    rng = np.random.default_rng(0)
    bases = np.tile(list("AAC"), 2000)
    drawn = rng.random(bases.size) < 0.05
    bases[drawn] = rng.choice(list("ACGT"), int(drawn.sum()))
    windows = Windows({"repeat": tokenizer.encode("".join(bases))}, config.data)

    def step(number: int, bf16: bool = False) -> dict[str, float]:
        ids = torch.from_numpy(windows.batch(0, range(number * 16, number * 16 + 16)))
        return electra_step(
            model,
            optimizer,
            ids,
            electra=config.electra,
            optim=config.optim,
            learning_rate=1e-2,
            seed=0,
            step=number,
            bf16=bf16,
        )

    return model, windows, step


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_losses_fall_and_replaced_bases_score_higher(run, bf16):
    model, windows, step = run
    before = validate(model, windows, ElectraConfig(), n_batches=2)
    metrics = [step(i, bf16) for i in range(100)]
    after = validate(model, windows, ElectraConfig(), n_batches=2)
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
    model, windows, step = run
    ids = torch.from_numpy(windows.batch(0, range(16)))
    out = electra_forward(model, ids, ElectraConfig(), seed=0, step=0, bf16=False)
    metrics = step(0)
    assert metrics["generator_loss"] == pytest.approx(out.generator_loss.item(), rel=1e-6)
    assert metrics["loss"] == pytest.approx(
        out.generator_loss.item() + 50 * out.discriminator_loss.item(), rel=1e-6
    )
    assert metrics["learning_rate"] == 1e-2


def test_a_loss_that_is_not_a_number_moves_nothing(run):
    model, _, step = run
    step(0)
    with torch.no_grad():
        model.discriminator_head.discriminator_predictions.bias.fill_(float("nan"))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with pytest.raises(NonFiniteError, match="loss nan, gradient norm nan at step 1"):
        step(1)
    for name, p in model.named_parameters():
        assert torch.equal(p.nan_to_num(), before[name].nan_to_num()), name


def test_clipping_bounds_the_update(run):
    model, _, step = run
    assert step(0)["gradient_norm"] > 1.0
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert norm == pytest.approx(1.0, rel=1e-3)


def test_weight_decay_is_on_matrices_only(tiny_config):
    model = build_model(tiny_config())
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


def test_auroc():
    tensor = torch.tensor
    positive = tensor([True, True, False, False]).numpy()
    assert auroc(tensor([4.0, 3.0, 2.0, 1.0]).numpy(), positive) == 1.0
    assert auroc(tensor([1.0, 2.0, 3.0, 4.0]).numpy(), positive) == 0.0
    assert auroc(tensor([4.0, 1.0, 2.0, 3.0]).numpy(), positive) == 0.5
    assert auroc(tensor([1.0, 1.0, 1.0, 1.0]).numpy(), positive) == 0.5
    assert math.isnan(auroc(tensor([1.0, 2.0]).numpy(), tensor([True, True]).numpy()))


@pytest.mark.parametrize(
    ("cls", "values", "words"),
    [
        (ElectraConfig, {"mask_ratio": 0.0}, "mask_ratio"),
        (ElectraConfig, {"mask_ratio": 1.0}, "mask_ratio"),
        (ElectraConfig, {"temperature": 0.0}, "temperature"),
        (OptimConfig, {"learning_rate": 0.0}, "optim.learning_rate must be above 0"),
        (OptimConfig, {"warmup_steps": -1}, "optim.warmup_steps must be 0 or more"),
        (OptimConfig, {"beta2": 1.0}, r"optim.beta2 must lie in \[0, 1\)"),
    ],
)
def test_values_that_make_no_sense(cls, values, words):
    with pytest.raises(ValueError, match=words):
        cls(**values)
