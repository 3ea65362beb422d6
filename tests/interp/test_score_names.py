"""Scores by name, a head alone among them."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from nucel_interp import InputError, Record, find_motifs, find_seqlets
from nucel_interp.cli.app import app
from nucel_interp.score_names import check_score, fixed_heads, is_head
from nucel_model import ClassificationHead
from tests.toy import dna, tiny


@pytest.fixture(scope="module")
def model():
    return tiny(128)


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    return [Record(f"r{i}", dna(80, rng)) for i in range(12)]


@pytest.mark.parametrize("name", ["attention", "attention-global", "discriminator", "0:0", "12:3"])
def test_a_score_is_one_of_three_or_a_head(name):
    assert check_score(name) == name
    assert is_head(name) == (":" in name)


@pytest.mark.parametrize("name", ["", "3", "3:", ":0", "3:0:1", "-1:0", "3.0", "a:b", "12345:0"])
def test_what_is_no_score_is_refused(name):
    with pytest.raises(InputError, match="or a head as LAYER:HEAD, both from 0"):
        check_score(name)


def test_the_nearest_name_is_given():
    with pytest.raises(InputError, match="did you mean attention-global"):
        check_score("attention_global")


def test_heads_are_counted_layer_by_layer(model):
    config = model.config
    n = config.num_attention_heads
    assert fixed_heads("attention", config) is None
    assert fixed_heads("discriminator", config) is None
    last = config.num_hidden_layers - 1
    assert fixed_heads(f"{last}:1", config).tolist() == [last * n + 1]
    layers = [i for i in range(last + 1) if config.window(i) is None]
    expected = [i * n + h for i in layers for h in range(n)]
    assert fixed_heads("attention-global", config).tolist() == expected


@pytest.mark.parametrize("name", ["9:0", "0:9"])
def test_a_head_that_the_model_lacks_is_named_before_it_reads(model, records, name, monkeypatch):
    monkeypatch.setattr("nucel_interp.analysis.score_study.score_sequences", None)
    last, n = model.config.num_hidden_layers - 1, model.config.num_attention_heads
    with pytest.raises(InputError, match=f"no head {name}.*0 to {last} with heads 0 to {n - 1}"):
        find_motifs(records, model, score=name)


def test_the_score_of_a_head_is_that_heads_track_alone(model, records):
    """Silence the others: nothing changes. Silence it: everything does."""
    from nucel_interp.analysis import score_study as tracks

    plain = tracks.score_sequences

    def only(kept):
        def scored(*args, **kwargs):
            found = plain(*args, **kwargs)
            for head in range(len(found.received)):
                if (head == 2) != kept:
                    found.received[head] = 1
            return found

        return scored

    wanted = find_seqlets(records, model, score="1:0").seqlets
    assert len(wanted) > 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracks, "score_sequences", only(kept=True))
        assert find_seqlets(records, model, score="1:0").seqlets.equals(wanted)
        patch.setattr(tracks, "score_sequences", only(kept=False))
        assert not find_seqlets(records, model, score="1:0").seqlets.equals(wanted)


def test_a_fine_tuned_model_without_a_find_is_told_of_single_heads(records):
    model = tiny(128)
    said = "a single head may look at the sites"
    plain = find_motifs(records, model)
    model.classifier_head = ClassificationHead(16, ["no", "yes"], "a test")
    tuned = find_motifs(records, model)
    alone = find_motifs(records, model, score="1:0")
    script = find_motifs(records, model, method="dnabert")  # reads no head alone
    assert not len(tuned.motifs)
    runs = (plain, tuned, alone, script)
    assert [said in " ".join(r.warnings) for r in runs] == [False, True, False, False]


@pytest.mark.parametrize("command", ["motifs", "seqlets", "kmers", "calibrate"])
def test_commands_refuse_a_score_before_they_read(command, tmp_path):
    done = CliRunner().invoke(
        app, [command, str(tmp_path / "none.fa"), "--score", "atention", "-o", str(tmp_path / "o")]
    )
    assert done.exit_code == 2
    assert "did you mean attention?" in " ".join(done.stderr.replace("│", " ").split())
