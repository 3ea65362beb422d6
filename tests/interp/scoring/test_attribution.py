"""Attribution: exact where the answer is known, signs, strands, the bound, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from nucel_interp.errors import InputError
from nucel_interp.scoring import attribution
from nucel_interp.scoring.attribution import ADDING_UP, BOUND, LEAST, METHODS, attribute_sequences
from nucel_interp.scoring.mutagenesis import importance, mutagenesis
from nucel_interp.types import reverse_complement
from nucel_model import ClassificationHead, tokenizer
from nucel_model.folder import FolderError
from tests import toy
from tests.toy import dna, tiny

SEQUENCES = [dna(40, 1), dna(25, 2), "ACGTNNACGTAC"]


class Through(nn.Module):
    """A block that changes nothing."""

    def forward(self, x, table, attend):
        return x


def tuned(*, labels=("no", "yes"), task="classes", strands="forward", linear=False):
    model = toy.tuned(labels, seed=1, task=task, strands=strands)
    if linear:
        model.encoder.embeddings.norm = model.encoder.final_norm = nn.Identity()
        model.encoder.layers = nn.ModuleList(Through() for _ in model.encoder.layers)
    return model.eval()


def slope(model, sequence):
    """Of the linear model: what each base adds, and what N would, (bases,)."""
    table = model.encoder.embeddings.tok_embeddings.weight.detach()
    weight = model.classifier_head.linear.weight.detach()
    per_id = (table @ (weight[1] - weight[0])).double().numpy() / len(sequence)
    return per_id[tokenizer.encode(sequence)], per_id


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_a_linear_model_is_explained_exactly(method):
    model = tuned(linear=True)
    found = attribute_sequences(model, SEQUENCES[:2], method=method)
    for sequence, track in zip(SEQUENCES, found.tracks, strict=False):
        own, per_id = slope(model, sequence)
        np.testing.assert_allclose(track, own - per_id[tokenizer.UNK], atol=1e-6)


def test_mutagenesis_and_gradient_of_a_linear_model_compare_with_the_other_bases():
    model = tuned(linear=True)
    own, per_id = slope(model, SEQUENCES[0])
    bases = per_id[list(tokenizer.BASE_IDS)]
    by_hand = (own[:, None] - bases).sum(axis=1) / 3
    found = attribute_sequences(model, SEQUENCES[:1], method="mutagenesis")
    np.testing.assert_allclose(found.tracks[0], by_hand, atol=1e-6)
    np.testing.assert_allclose(found.maps[0], bases - own[:, None], atol=1e-6)
    gradient = attribute_sequences(model, SEQUENCES[:1], method="gradient-x-input").tracks[0]
    np.testing.assert_allclose(gradient, own - bases.mean(), atol=1e-6)


@pytest.mark.parametrize("method", ADDING_UP)
def test_tracks_add_up_within_the_bound(method):
    model = tuned()
    found = attribute_sequences(model, SEQUENCES, method=method)
    difference = found.prediction - found.baseline
    assert found.kept.all()
    assert (np.abs(found.delta) <= BOUND * np.maximum(np.abs(difference), LEAST)).all()
    for track, wanted, delta in zip(found.tracks, difference, found.delta, strict=True):
        assert np.nansum(track) == pytest.approx(wanted + delta, abs=1e-9)
    assert found.small == (np.abs(difference) < LEAST).mean()


def test_what_does_not_add_up_is_left_out_and_counted(monkeypatch):
    monkeypatch.setattr(attribution, "BOUND", 1e-9)
    found = attribute_sequences(tuned(), SEQUENCES[:1], method="integrated-gradients", steps=32)
    assert not found.kept.any()
    assert np.isnan(found.tracks[0]).all()
    assert found.steps[0] == 32


def test_more_points_are_spent_where_the_line_turns(monkeypatch):
    monkeypatch.setattr(attribution, "BOUND", 1e-5)
    model = tuned()
    with torch.no_grad():
        for p in model.encoder.parameters():
            p.mul_(3)
    few = attribute_sequences(model, SEQUENCES[:1], steps=32)
    more = attribute_sequences(model, SEQUENCES[:1], steps=256)
    assert 32 < more.steps[0] <= 256
    assert abs(more.delta[0]) < abs(few.delta[0])


@pytest.mark.parametrize("method", METHODS)
def test_the_reverse_complement_gives_the_mirrored_track(method):
    model = tuned(strands="both")
    forward = attribute_sequences(model, SEQUENCES, method=method)
    other = attribute_sequences(model, [reverse_complement(s) for s in SEQUENCES], method=method)
    np.testing.assert_allclose(forward.prediction, other.prediction, atol=1e-5)
    for a, b in zip(forward.tracks, other.tracks, strict=True):
        np.testing.assert_allclose(a, b[::-1], atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_other_class_has_the_opposite_sign_and_n_no_number(method):
    model = tuned()
    yes = attribute_sequences(model, SEQUENCES[2:], method=method, target="yes")
    no = attribute_sequences(model, SEQUENCES[2:], method=method, target="no")
    np.testing.assert_allclose(yes.tracks[0], -no.tracks[0], atol=1e-4)
    assert np.isnan(yes.tracks[0]).tolist() == [letter == "N" for letter in SEQUENCES[2]]


def test_attributing_changes_nothing_about_the_model():
    model = tuned()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    backend = model.encoder.backend
    attribute_sequences(model, SEQUENCES[:1], steps=32)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert model.encoder.backend is backend


@pytest.mark.parametrize("strands", ["both", "forward"])
def test_mutagenesis_is_the_naive_loop(strands):
    model = tuned(strands=strands)
    sequence = SEQUENCES[2]

    def f(text):
        texts = [text, reverse_complement(text)] if strands == "both" else [text]
        with torch.no_grad():
            logits = [model.predict_logits(*model.tokens([t]))[0] for t in texts]
        return float(torch.stack([one[1] - one[0] for one in logits]).mean())

    (found,) = mutagenesis(model, [sequence])
    for j, letter in enumerate(sequence):
        for b, base in enumerate("ACGT"):
            if letter == "N":
                assert np.isnan(found[j, b])
                continue
            wanted = f(sequence[:j] + base + sequence[j + 1 :]) - f(sequence)
            assert found[j, b] == pytest.approx(wanted, abs=1e-5)
    here = np.array([letter != "N" for letter in sequence])
    assert (importance(found)[here] == -found[here].sum(axis=1) / 3).all()


def test_what_cannot_be_explained_is_said():
    with pytest.raises(InputError, match=r"no method 'deeplift'; there are integrated-gradients"):
        attribute_sequences(tuned(), SEQUENCES, method="deeplift")
    with pytest.raises(FolderError, match="nucel-pretrain finetune"):
        attribute_sequences(tiny(), SEQUENCES)
    with pytest.raises(InputError, match="65 bases and tiny reads 64 at once"):
        attribute_sequences(tuned(), [dna(65)])
    nt = toy.nt("v1", name="nt")
    nt.classifier_head = ClassificationHead(nt.config.hidden_size, ["a", "b"])
    with pytest.raises(InputError, match=r"nt reads tokens of 6 bases.*mutagenesis"):
        attribute_sequences(nt, SEQUENCES)
    (track,) = attribute_sequences(nt, SEQUENCES[:1], method="mutagenesis").tracks
    assert np.isfinite(track).all()
