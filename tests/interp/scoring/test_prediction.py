"""Predictions of a fine-tuned head: one number a sequence, whatever it is read together with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_interp.errors import InputError
from nucel_interp.scoring.prediction import predict_sequences, predict_targets
from nucel_interp.scoring.target import find_target, target_logit
from nucel_interp.types import reverse_complement
from tests import toy
from tests.toy import dna


@pytest.fixture(scope="module")
def model():
    return toy.tuned(head=True)


def one(model, sequence):
    ids, mask = model.tokens([sequence])
    with torch.inference_mode():
        return float(target_logit(model, find_target(model), ids, mask))


def test_predictions_are_the_mean_of_both_strands_whatever_stands_beside(model):
    sequences = [dna(20, 1), dna(33, 2), dna(20, 3), dna(7, 4)]
    found = predict_sequences(model, find_target(model), sequences)
    wanted = [(one(model, s) + one(model, reverse_complement(s))) / 2 for s in sequences]
    assert found == pytest.approx(wanted, abs=1e-4)
    assert np.ptp(found) > 0.01


def test_the_forward_strand_alone(model):
    sequence = dna(20, 1)
    found = predict_sequences(model, find_target(model), [sequence], strands="forward")
    assert found == pytest.approx([one(model, sequence)], abs=1e-4)


def test_every_sequence_is_counted_once(model):
    steps = []
    predict_sequences(
        model, find_target(model), [dna(9, i) for i in range(5)], on_progress=steps.append
    )
    assert sum(steps) == 5


def test_a_sequence_beyond_the_context_is_refused(model):
    with pytest.raises(InputError, match=r"has 65 bases, but .* predicts of 64 at most"):
        predict_sequences(model, find_target(model), [dna(65)])


def test_all_outputs_are_read_at_once_and_are_those_of_one_by_one():
    model = toy.tuned(["a", "b", "c"])
    targets = [find_target(model, label) for label in "abc"]
    sequences = [dna(20, 1), dna(33, 2)]
    wanted = [predict_sequences(model, target, sequences) for target in targets]
    read = []
    handle = model.classifier_head.register_forward_hook(lambda *_: read.append(1))
    found = predict_targets(model, targets, sequences)
    handle.remove()
    assert np.array_equal(found, np.transpose(wanted))
    assert np.ptp(found, axis=1).min() > 0.01
    assert len(read) == 2, "a batch for each length"
