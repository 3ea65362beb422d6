"""Scores beside attention: read in the same windows, by name, with their control."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp import InputError, Record, find_motifs, find_seqlets
from nucel_interp.analysis.random_control import random_control_tracks
from nucel_interp.analysis.score_study import make_texts
from nucel_interp.analysis.score_track import score_track
from nucel_interp.progress import Stages
from nucel_interp.score_names import (
    ATTENTION,
    DISCRIMINATOR,
    INFLUENCE,
    NAMES,
    RELEVANCE,
    VALUE_NORM,
)
from nucel_interp.scoring import cut_units, score_sequences
from nucel_interp.scoring.readers import reader_of, require, with_heads_like
from nucel_interp.types import reverse_complement
from nucel_model import random_control
from tests.toy import dna, nt, random_sequences, tiny, tuned

FURTHER = [name for name in NAMES if reader_of(name) is not None]
SEQUENCES = [dna(50, 1), dna(20, 2) + "NN" + dna(31, 3), dna(150, 4), dna(50, 5)]


@pytest.fixture(scope="module")
def model():
    return tiny()


def test_there_is_more_to_read_for_some_names():
    assert FURTHER == [VALUE_NORM, RELEVANCE, INFLUENCE]
    assert reader_of(ATTENTION) is None
    assert reader_of(DISCRIMINATOR) is None


@pytest.mark.parametrize("name", FURTHER)
@pytest.mark.parametrize("strands", ["both", "forward"])
def test_what_is_read_beside_attention_changes_nothing_of_it(model, name, strands):
    plain = score_sequences(model, SEQUENCES, strands=strands)
    both = score_sequences(model, SEQUENCES, strands=strands, also=reader_of(name))
    for field in ("received", "replaced", "cls_share", "n_share", "entropy", "rc_consistency"):
        assert getattr(both, field).tobytes() == getattr(plain, field).tobytes()
    assert plain.also is None
    rows = len(plain.received) if name == VALUE_NORM else 1
    assert both.also.shape == (rows, plain.received.shape[1])
    # 150 bases are three windows of 64 with their seams
    assert np.array_equal(np.isnan(both.also), np.isnan(plain.received[:rows]))


@pytest.mark.parametrize("name", FURTHER)
def test_both_strands_are_the_mean_and_the_other_strand_is_the_mirror(model, name):
    read = reader_of(name)
    text = SEQUENCES[1]
    both = score_sequences(model, [text], also=read).also
    mean = (read(model, [text])[0] + read(model, [reverse_complement(text)])[0][:, ::-1]) / 2
    np.testing.assert_allclose(both, mean, rtol=1e-4, atol=1e-5)
    turned = score_sequences(model, [reverse_complement(text)], also=read).also
    np.testing.assert_allclose(turned[:, ::-1], both, rtol=1e-4, atol=1e-5)


def test_heads_of_value_norm_are_chosen_as_those_of_attention_are(model):
    texts = random_sequences(12, 60)
    real, null = (
        score_sequences(model, some, also=reader_of(VALUE_NORM))
        for some in (texts, random_sequences(12, 60, 1))
    )
    in_test = np.arange(720) >= 360
    track, copies, heads = score_track(model.config, real, [null], in_test, VALUE_NORM)
    plain = score_track(model.config, real, [null], in_test, ATTENTION)[0]
    assert len(heads) == 4
    assert heads["chosen"].any()
    assert track.shape == copies[0].shape == plain.shape
    assert np.corrcoef(track, plain)[0, 1] < 0.999


@pytest.mark.parametrize("name", FURTHER)
def test_seqlets_are_found_by_every_name(model, name):
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(12, 40))]
    assert len(find_seqlets(records, model, score=name).seqlets)


@pytest.mark.parametrize("name", [VALUE_NORM, RELEVANCE])
def test_motifs_are_found_by_a_score_of_heads_and_by_one_of_none(model, name):
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(12, 40))]
    result = find_motifs(records, model, score=name)
    assert result.summary["score"] == name
    assert (len(result.heads) > 0) == (name == VALUE_NORM)


@pytest.mark.parametrize("name", FURTHER)
def test_the_control_is_read_for_the_same_score(model, name):
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(12, 60))]
    units, stages = cut_units(records, 64), Stages(None)
    texts = make_texts(records, units, 0, stages)
    test = np.arange(12) % 2 == 0
    _, tracks = random_control_tracks(
        model, records, texts, test, score=name, strands="both", seed=0, stages=stages
    )
    assert len(tracks) == 2
    for track in tracks:
        assert track.shape == (720,)
        assert np.isfinite(track).all()
        assert track.std() > 0


def test_the_control_gets_the_heads_that_the_model_has():
    model = tuned(("a", "b", "c"), head=True)
    control = with_heads_like(random_control(model, 1), model, 1)
    again = with_heads_like(random_control(model, 1), model, 1)
    assert control.classifier_head.labels == ("a", "b", "c")
    weights = [m.discriminator_head.discriminator_predictions.weight for m in (control, again)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(model.discriminator_head.discriminator_predictions.weight)
    bare = tiny(head=False)
    kept = with_heads_like(random_control(bare, 1), bare, 1)
    assert kept.discriminator_head is kept.classifier_head is None


def test_what_a_model_cannot_give_is_said_before_it_reads(monkeypatch):
    monkeypatch.setattr("nucel_interp.analysis.score_study.score_sequences", None)
    records = [Record("r", dna(60))]
    for name in ("relevance", "influence"):
        with pytest.raises(InputError, match=f"{name} is of single bases; use attention"):
            find_motifs(records, nt(), score=name)
    with pytest.raises(InputError, match=r"has 3 outputs.*attribute --target"):
        find_motifs(records, tuned(("a", "b", "c")), score="relevance")
    require(tuned(("a", "b", "c")), "influence")
