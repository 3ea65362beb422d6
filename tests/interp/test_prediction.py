"""Predictions of a fine-tuned head: one number a sequence, whatever it is read together with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_interp.errors import InputError
from nucel_interp.scoring.prediction import predict_sequences
from nucel_interp.scoring.target import find_target, target_logit
from nucel_interp.types import reverse_complement
from nucel_model import ClassificationHead
from tests.interp.tiny_model import dna, tiny


@pytest.fixture(scope="module")
def tuned():
    model = tiny()
    model.classifier_head = ClassificationHead(16, ["no", "yes"], pooling="mean")
    model.classifier_head.init_weights(0, std=1.0)
    return model.eval()


def one(model, sequence):
    ids, mask = model.tokens([sequence])
    with torch.inference_mode():
        return float(target_logit(model, find_target(model), ids, mask))


def test_predictions_are_the_mean_of_both_strands_whatever_stands_beside(tuned):
    sequences = [dna(20, 1), dna(33, 2), dna(20, 3), dna(7, 4)]
    found = predict_sequences(tuned, find_target(tuned), sequences)
    wanted = [(one(tuned, s) + one(tuned, reverse_complement(s))) / 2 for s in sequences]
    assert found == pytest.approx(wanted, abs=1e-4)
    assert np.ptp(found) > 0.01


def test_the_forward_strand_alone(tuned):
    sequence = dna(20, 1)
    found = predict_sequences(tuned, find_target(tuned), [sequence], strands="forward")
    assert found == pytest.approx([one(tuned, sequence)], abs=1e-4)


def test_every_sequence_is_counted_once(tuned):
    steps = []
    predict_sequences(
        tuned, find_target(tuned), [dna(9, i) for i in range(5)], on_progress=steps.append
    )
    assert sum(steps) == 5


def test_a_sequence_beyond_the_context_is_refused(tuned):
    with pytest.raises(InputError, match=r"has 65 bases, but .* predicts of 64 at most"):
        predict_sequences(tuned, find_target(tuned), [dna(65)])
