"""A Nucleotide Transformer in place of NucEL: every command takes it, or says why not."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from nucel_interp.baselines.cls_row import cls_row_scores
from nucel_interp.cli.app import app
from nucel_interp.compare.intervention.intervene import Scored, intervene
from nucel_interp.scoring import score_sequences
from nucel_interp.scoring.distance import EDGES_BP, distance_profile, sample_pieces
from nucel_interp.scoring.frames import frame_spans, n_frames
from nucel_interp.scoring.substitution import substitution_map
from nucel_interp.scoring.tokens import token_of_base
from nucel_interp.seqlets import Calls
from nucel_interp.sequences import Sequences
from nucel_interp.types import reverse_complement
from nucel_model import FolderError, Nucel, save_pretrained
from tests import toy
from tests.toy import dna

STEP = 2.0**-10
CONTEXT_BP = 120


@pytest.fixture(scope="module")
def nt() -> Nucel:
    return toy.nt()


@pytest.fixture(scope="module")
def folder(nt: Nucel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pretrained(nt, tmp_path_factory.mktemp("models") / "tiny-nt")


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "in.fa"
    lines = [f">r{i}\n{dna(n, i)}\n" for i, n in enumerate((60, 45, 119))]
    path.write_text("".join(lines) + f">n\n{dna(20)}NN{dna(31, 9)}\n")
    return path


def same(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=STEP, atol=2e-5)


def forward(model: Nucel, sequence: str) -> np.ndarray:
    with torch.inference_mode():
        return model.profile_sequences([sequence]).received[0].flatten(0, 1).numpy()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_track_is_the_mean_of_both_strands_profiles(version: str) -> None:
    model, sequence = toy.nt(version), dna(50) + "N" + dna(20, 1)
    got = score_sequences(model, [sequence])
    turned = forward(model, reverse_complement(sequence))[:, ::-1]
    same(got.received, (forward(model, sequence) + turned) / 2)
    assert got.replaced is None
    assert np.flatnonzero(np.isnan(got.received[0])).tolist() == [50]


def test_frames_are_the_plain_average_over_shifted_readings(nt: Nucel) -> None:
    sequence = dna(47)
    got = score_sequences(nt, [sequence], frames=True)
    total = np.zeros((4, 47))
    for text, turn in ((sequence, 1), (reverse_complement(sequence), -1)):
        track = np.zeros((4, 47))
        for start, end in frame_spans(47, 6):
            track[:, start:end] += forward(nt, text[start:end])
        total += (track / n_frames(47, 6))[:, ::turn]
    same(got.received, total / 2)
    assert np.abs(got.received - score_sequences(nt, [sequence]).received).max() > 0.05


def test_uniform_attention_is_one_at_every_base_in_every_frame(nt: Nucel) -> None:
    model = toy.nt()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "query" in name:
                p.zero_()
    sequences = [dna(50) + "NNN" + dna(17, 1), dna(500, 2), dna(8, 3)]
    for frames in (False, True):
        received = score_sequences(model, sequences, frames=frames).received
        assert np.allclose(received[:, ~np.isnan(received[0])].astype(float), 1.0, atol=1e-3)


def test_windows_whose_tokens_would_not_fit_are_cut_smaller(nt: Nucel) -> None:
    # 119 bases are 19 words and five left over: 24 tokens, and 20 fit
    sequences = [dna(119), dna(60) + "N" * 40 + dna(19), dna(1000)]
    received = score_sequences(nt, sequences).received
    assert np.isnan(received[0]).sum() == 40
    mirrored = score_sequences(nt, [reverse_complement(s) for s in sequences]).received
    offsets = np.cumsum([0, *map(len, sequences)])
    for begin, end in pairwise(offsets):
        same(mirrored[:, begin:end][:, ::-1], received[:, begin:end])


def test_every_base_knows_its_token(nt: Nucel) -> None:
    got = token_of_base(nt, "ACGTAC" + "GG" + "N" + "TTTTTTT")
    assert got.tolist() == [1] * 6 + [2, 3] + [4] + [5] * 6 + [6]
    assert token_of_base(nt, "").tolist() == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_cls_row_is_the_last_maps_first_row(version: str) -> None:
    model = toy.nt(version)
    sequences = [dna(60), dna(60, 1), dna(21, 2) + "N" + dna(33, 3), dna(60, 4)]
    for sequence, row in zip(sequences, cls_row_scores(model, sequences), strict=True):
        with torch.inference_mode():
            maps = model(*model.tokens([sequence]), output_attentions=True).attentions
        want = maps[-1][0, :, 0].sum(dim=0).numpy()[token_of_base(model, sequence)]
        want[[c == "N" for c in sequence]] = np.nan
        np.testing.assert_allclose(row, want / np.sqrt(np.nansum(want**2)), rtol=1e-4)


def test_distances_are_the_plain_definition_in_steps_of_six(nt: Nucel) -> None:
    sequence = dna(64)
    got = distance_profile(nt, [sequence])
    (piece,) = sample_pieces([sequence], CONTEXT_BP, 6, seed=0)
    assert len(piece) == 60
    with torch.inference_mode():
        maps = nt(*nt.tokens([piece]), output_attentions=True).attentions
    probs = maps[1][0].double().mean(dim=0).numpy()[1:, 1:]
    mass: dict[int, float] = {}
    for i in range(10):
        for j in range(10):
            start = max(edge for edge in EDGES_BP if edge <= 6 * abs(i - j))
            mass[start] = mass.get(start, 0) + probs[i, j]
    rows = got.table[got.table["layer"] == 1]
    assert rows["distance_bp"].tolist() == sorted(mass)
    want = [mass[start] / sum(mass.values()) for start in sorted(mass)]
    assert rows["mass"].tolist() == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("mixing", [True, False])
def test_the_intervention_measures_no_token_that_was_shuffled(mixing: bool) -> None:
    # where tokens do not see each other, shuffling some can change no other
    model = toy.nt()
    if not mixing:
        with torch.no_grad():
            for name, p in model.named_parameters():
                if "attention.output" in name:
                    p.zero_()
    n = 12
    start = 25 + np.arange(n)  # at every place in a token
    track = np.random.default_rng(0).random((n, 120))
    for row, at in zip(track, start, strict=True):
        row[at : at + 15] += 3
    seqlets = Calls(np.arange(n), start, start + 15, np.ones(n))
    sequences = [dna(120, i) for i in range(n)]
    given = Scored(Sequences(sequences), seqlets, track.ravel())
    found = intervene(model, given, given).table
    assert len(found) > 4
    assert ((found["seqlet_embedding"] > 0) == mixing).all()
    assert ((found["control_embedding"] > 0) == mixing).all()


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.output


def test_attention_writes_track_profile_and_map(folder: Path, fasta: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    one = tmp_path / "one.fa"
    one.write_text(f">n\n{dna(8)}NN{dna(7, 9)}\n")
    code, text = run("attention", one, "-o", out, "--model", folder, "--map", "1:0")
    assert code == 0, text
    assert (out / "tracks" / "attention.bedGraph").exists()
    table = pd.read_csv(out / "figures" / "map_record1_layer1_head0.csv", index_col=0)
    values = table.to_numpy()
    assert values.shape == (17, 18)
    assert np.isnan(values[8:10]).all()
    assert (values[:6] == values[0]).all()  # the bases of a token
    assert (values[:6, 1:7] == values[0, 1]).all()
    assert (values[:6] != values[6]).any()
    words = np.unique(token_of_base(toy.nt(), dna(8) + "NN" + dna(7, 9)), return_index=True)[1]
    assert values[0, [0, *(1 + words)]].sum() == pytest.approx(1, rel=1e-3)


def test_a_map_of_more_tokens_than_fit_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.fa"
    path.write_text(f">a\n{dna(119)}\n")
    code, text = run("attention", path, "-o", tmp_path / "o", "--model", folder, "--map", "0:0")
    assert code == 1
    assert text.strip().splitlines()[-1].startswith("error: a map: a makes 24 tokens")
    assert "reads 20" in text
    assert not (tmp_path / "o").exists()


def test_what_needs_a_discriminator_says_that_there_is_none(
    nt: Nucel, folder: Path, fasta: Path, tmp_path: Path
) -> None:
    for arguments in (
        ("discriminator", fasta),
        ("seqlets", fasta, "-o", tmp_path / "s.bed", "--score", "discriminator"),
        ("motifs", fasta, "-o", tmp_path / "m", "--score", "discriminator"),
        ("kmers", fasta, "--score", "discriminator"),
    ):
        code, text = run(*arguments, "--model", folder)
        assert code == 1
        last = text.strip().splitlines()[-1]
        assert last.startswith("error: tiny-nt is a Nucleotide Transformer")
        assert "no discriminator scores" in last
    with pytest.raises(FolderError, match="no discriminator scores"):
        substitution_map(nt, [dna(20)])


def test_seqlets_kmers_and_info_take_the_folder(folder: Path, fasta: Path, tmp_path: Path) -> None:
    code, text = run("seqlets", fasta, "-o", tmp_path / "s.bed", "--model", folder)
    assert code == 0, text
    assert (tmp_path / "s.bed").read_text().count("\t") > 3
    code, text = run("kmers", fasta, "--model", folder)
    assert code == 0, text
    code, text = run("info", "--model", folder)
    assert code == 0, text
    assert "120 bp, read in tokens of 6 bp" in text
    assert "without discriminator" in text
