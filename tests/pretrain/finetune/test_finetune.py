"""Fine-tuning: a trivial task is learned in seconds, the best weights are kept, the rest goes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global
from nucel_model.heads import ReplacedTokenHead
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.classifier import (
    give_head,
    logits,
    outputs_of,
    predict,
    reverse_complement,
)
from nucel_pretrain.finetune.loop import FinetuneConfig, fine_tune, score
from nucel_pretrain.optim import OptimConfig

OPTIM = OptimConfig(learning_rate=5e-3, warmup_steps=5)
TUNING = FinetuneConfig(steps=60, batch=16, evaluate_every=10, patience=3)
CONFIG = NucelConfig(
    hidden_size=16,
    num_attention_heads=2,
    intermediate_size=24,
    layer_types=every_third_global(2),
    max_position_embeddings=65,
    initializer_range=0.1,
)


def model_of(seed=0):
    encoder = NucelEncoder(CONFIG)
    encoder.init_weights(seed)
    model = Nucel(encoder, ReplacedTokenHead(CONFIG), name="tiny").eval()
    give_head(model, ("poor", "rich"), "a test", seed)
    return model


def gc_batch(number, n=16):
    """Sequences of 24 bases, rich or poor in G and C."""
    rng = np.random.default_rng(number)
    labels = np.arange(n) % 2
    sequences = [
        "".join(
            rng.choice(
                list("ACGT"), 24, p=[0.15, 0.35, 0.35, 0.15] if y else [0.35, 0.15, 0.15, 0.35]
            )
        )
        for y in labels
    ]
    return sequences, labels


def quiet(line):
    pass


def tune(model, batches=gc_batch, **changes):
    config = dataclasses.replace(TUNING, **changes)
    return fine_tune(model, batches, gc_batch(10**6, 100), config, OPTIM, say=quiet)


def test_a_trivial_task_is_learned_and_held_out_sequences_are_told():
    model = model_of()
    held_out = gc_batch(10**7, 200)
    before = score(model, held_out).accuracy
    run = tune(model)
    after = score(model, held_out)
    assert before < 0.7
    assert after.accuracy > 0.9
    assert after.loss < 0.4
    assert after.auroc > 0.96
    assert run.history[0][1] > run.history[-1][1]


def test_labels_without_meaning_are_not_learned():
    def shuffled(number):
        sequences, labels = gc_batch(number)
        return sequences, np.random.default_rng([number, 1]).permutation(labels)

    model = model_of()
    tune(model, shuffled)
    assert score(model, gc_batch(10**7, 200)).loss > 0.65  # ln 2 is 0.69


def test_every_weight_moves_and_the_same_call_gives_the_same_weights():
    start, one, two = model_of(), model_of(), model_of()
    tune(one, steps=10)
    tune(two, steps=10)
    wanted = two.state_dict()
    begun = start.state_dict()
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name
        assert not torch.equal(tensor, begun[name]), name


def test_training_stops_early_and_keeps_the_best_weights():
    reached = model_of()
    run = tune(reached, steps=500, enough=0.9)
    assert run.steps < 500
    assert run.stopped == "validation accuracy reached 0.9"
    assert score(reached, gc_batch(10**6, 100)).accuracy >= 0.9

    def spoiled(number):  # what was learned is unlearned from step 40 on
        sequences, labels = gc_batch(number)
        return sequences, labels if number < 40 else 1 - labels

    model = model_of()
    run = tune(model, spoiled, steps=500)
    assert run.best_step <= 50
    assert run.steps == run.best_step + 30
    assert run.stopped == "no lower validation loss in 3 looks"
    best = min(run.history, key=lambda look: look[2])
    assert best[0] == run.best_step
    assert score(model, gc_batch(10**6, 100)).loss == pytest.approx(best[2], rel=1e-6)


def test_a_plateau_at_chance_does_not_stop_training():
    def noise(number):
        return gc_batch(number)[0], np.random.default_rng(number).integers(0, 2, 16)

    validation = gc_batch(0, 100)[0], np.random.default_rng(0).permutation(np.arange(100) % 2)
    config = dataclasses.replace(TUNING, steps=100, patience=1)
    run = fine_tune(model_of(), noise, validation, config, OPTIM, say=quiet)
    assert run.steps == 100


def test_a_new_head_takes_the_place_of_heads_that_no_longer_fit():
    model = model_of()
    assert model.discriminator_head is None
    assert model.mlm_head is None
    assert model.classifier_head.labels == ("poor", "rich")


def test_probabilities_sum_to_one_and_do_not_depend_on_the_company():
    model = model_of()
    sequences = [*gc_batch(0)[0], "ACGTAC"]  # one is shorter: padding
    together = predict(model, sequences)
    assert together.sum(axis=1) == pytest.approx(np.ones(17))
    alone = np.concatenate([predict(model, [s]) for s in sequences])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_loss_that_is_not_finite_says_what_to_lower():
    model = model_of()
    with torch.no_grad():
        model.classifier_head.linear.bias[0] = math.inf
    with pytest.raises(PretrainError, match=r"loss of tiny is not finite at step 1; lower optim"):
        tune(model)
    with pytest.raises(ValueError, match=r"finetune\.patience must be at least 1"):
        FinetuneConfig(patience=0)
    with pytest.raises(ValueError, match=r"finetune\.enough must lie above 0"):
        FinetuneConfig(enough=0.0)


def test_lower_case_is_read_as_upper_case_and_one_string_is_no_list():
    model = model_of()
    sequences = gc_batch(0, 6)[0]
    lower = [s.lower() if i % 2 else s[:9].lower() + s[9:] for i, s in enumerate(sequences)]
    for both in (False, True):
        wanted = outputs_of(model, sequences, both_strands=both)
        assert (outputs_of(model, lower, both_strands=both) == wanted).all()
    assert torch.equal(logits(model, lower), logits(model, sequences))
    assert (predict(model, lower) == predict(model, sequences)).all()
    assert reverse_complement("aacgN") == "NCGTT"
    for function in (logits, predict, outputs_of):
        with pytest.raises(TypeError, match="one string"):
            function(model, sequences[0])
