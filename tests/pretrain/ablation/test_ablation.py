"""The grid: equal compute, equal questions, and a score per base for every kind of arm."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nucel_genome import Genome
from nucel_model import tokenizer
from nucel_pretrain.ablation.flops import step_cost
from nucel_pretrain.ablation.grid import Arm, GridConfig, read_grid
from nucel_pretrain.ablation.probing import probe_all
from nucel_pretrain.ablation.run import ablate
from nucel_pretrain.ablation.scores import base_scores, embeddings
from nucel_pretrain.batches import Batches
from nucel_pretrain.data import Windows
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation.sites import Part
from nucel_pretrain.tokens import BaseTokens, BpeTokens, KmerTokens
from nucel_pretrain.train import build_model
from tests.pretrain.cut_runs import silent

BASE = """
[data]
validation = ["chr2:0-600"]
window = 32
batch = 4
[discriminator]
hidden = 16
layers = 2
heads = 2
intermediate = 24
[generator]
hidden = 8
layers = 1
heads = 2
intermediate = 12
[loop]
steps = 1
precision = "fp32"
"""
GRID = """
base = "{base}"
flops = 1e8
milestones = [0.5, 1.0]
windows = 5
[[arm]]
name = "electra"
[[arm]]
name = "mlm-6mer"
objective = "mlm"
tokens = {{ kind = "6mer" }}
"""


@pytest.fixture
def grid(tmp_path, genome):
    """Writes base and grid, with a replacement in the grid's text; returns what was read."""

    def make(before: str = "", after: str = ""):
        (tmp_path / "base.toml").write_text(BASE)
        text = GRID.format(base=tmp_path / "base.toml")
        assert before in text
        (tmp_path / "grid.toml").write_text(text.replace(before, after))
        return read_grid(tmp_path / "grid.toml", fasta=(str(genome),))

    return make


def windows(n: int = 3, bases: int = 30) -> np.ndarray:
    ids = np.random.default_rng(0).integers(tokenizer.A, tokenizer.T + 1, (n, bases + 1))
    ids[:, 0] = tokenizer.CLS
    return ids


def model(tiny_config, tokens, **changes):
    config = dataclasses.replace(tiny_config(), **changes)
    made = build_model(config, tokens, torch.device("cpu"))
    # weights of the first draw give flat predictions; these do not
    for p in made.parameters():
        if p.ndim >= 2:
            p.data *= 8
    return made


def test_arms_of_the_masked_objective_score_the_masked_marginal(tiny_config):
    tokens = KmerTokens(2)
    mlm, ids = model(tiny_config, tokens, objective="mlm"), windows()
    scores = base_scores(mlm, tokens, ids)
    assert scores.shape == (3, 30)
    words = tokens.words()
    # by hand, second window, base 9: the second base of token 5, masked with every eighth from it
    read = tokens(ids).input_ids
    masked = torch.zeros(read.shape, dtype=torch.bool)
    masked[1, [5, 13]] = True
    with torch.no_grad():
        p = mlm.logits(torch.from_numpy(read), masked)[0, tokenizer.A :].softmax(-1)
    by_base = {b: sum(float(p[i]) for i, w in enumerate(words) if w[1] == b) for b in "ACGT"}
    observed = tokenizer.decode(ids[1, 10:11])
    wanted = np.log(sum(v for b, v in by_base.items() if b != observed) / by_base[observed])
    assert scores[1, 9] == pytest.approx(wanted, abs=1e-4)


def test_bases_that_no_token_covers_have_no_score(tiny_config):
    tokens = KmerTokens(4)
    for objective in ("electra", "mlm"):
        scores = base_scores(model(tiny_config, tokens, objective=objective), tokens, windows())
        assert np.isfinite(scores[:, :28]).all()
        assert np.isnan(scores[:, 28:]).all()


def test_electra_gives_a_words_score_to_all_its_bases(tiny_config):
    tokens = BpeTokens.learn(iter(["ACGTACGTAACCGGTT" * 20]), 8)
    electra, ids = model(tiny_config, tokens), windows()
    scores, read = base_scores(electra, tokens, ids), tokens(ids)
    assert np.isfinite(scores).all()
    for row, lengths in zip(scores, read.lengths, strict=True):
        pieces = np.split(row, lengths[lengths > 0].cumsum()[:-1])
        assert max(map(len, pieces)) > 1
        assert all((piece == piece[0]).all() for piece in pieces)


def test_a_base_that_no_word_has_there_is_unlikely_and_not_infinitely_so(tiny_config):
    # one word of two letters: at its places no other base is possible
    tokens = BpeTokens.learn(iter(["ACACACACACAC" * 20]), 5)
    words = tokens.words()
    assert sorted(words, key=len)[-1] == "AC"
    ids = windows()
    ids[:, 11:13] = tokenizer.A, tokenizer.C
    scores = base_scores(model(tiny_config, tokens, objective="mlm"), tokens, ids)
    assert np.isfinite(scores).all()
    assert (scores[:, 10:12] < -50).all()


def test_padding_changes_no_score(tiny_config):
    tokens = BpeTokens.learn(iter(["ACGTACGTAACCGGTT" * 20]), 8)
    ids = windows(4)
    for objective in ("electra", "mlm"):
        made = model(tiny_config, tokens, objective=objective)
        together = base_scores(made, tokens, ids)
        alone = np.concatenate([base_scores(made, tokens, ids[i : i + 1]) for i in range(4)])
        np.testing.assert_allclose(together, alone, atol=1e-4)


def test_embeddings_are_means_over_bases(tiny_config):
    tokens = BaseTokens()
    electra, ids = model(tiny_config, tokens), windows()
    with torch.no_grad():
        hidden = electra.discriminator(torch.from_numpy(ids)).last_hidden_state
    wanted = hidden[:, 1:].mean(dim=1).numpy()
    np.testing.assert_allclose(embeddings(electra, tokens, ids), wanted, atol=1e-5)


def test_cost_is_that_of_the_matrix_products(tiny_config, genome, tmp_path):
    config = dataclasses.replace(tiny_config(), objective="mlm")
    found = Windows(Genome.open([genome], cache=tmp_path), config.data)
    batches = Batches(found, BaseTokens(), config.masking, 0)
    cost, n_tokens = step_cost(config, batches, BaseTokens())
    n, length, width, ffn = 4, 33, 16, 24
    assert n_tokens == 4 * 32
    per_token = 2 * (4 * width**2 + 3 * ffn * width) + 4 * length * width
    n_masked = 4 * 5
    head = 2 * n_masked * (width**2 + width * tokenizer.VOCAB_SIZE)
    # two layers; the backward pass does twice the forward's
    assert cost == pytest.approx(3 * (2 * n * length * per_token + head), rel=0.02)
    with FlopCounterMode(display=False) as counter:
        torch.ones(2, 3) @ torch.ones(3, 4)
    assert counter.get_total_flops() == 2 * 2 * 3 * 4


def test_a_grid_runs_to_equal_compute_and_goes_on_where_it_was(grid, tmp_path):
    settings, arms = grid()
    lines: list[str] = []
    table = ablate(settings, arms, tmp_path / "out", say=lines.append, cache=tmp_path / "cache")
    assert table["arm"].tolist() == ["electra"] * 2 + ["mlm-6mer"] * 2
    ends = table[table["share"] == 1.0]
    assert ((ends["flops"] > 0.95e8) & (ends["flops"] <= 1e8)).all()
    # six bases a token
    six = ends[ends["arm"] == "mlm-6mer"].iloc[0]
    assert six["bases"] == pytest.approx(six["tokens"] * 32 / 5)
    assert table["planted_auroc"].between(0, 1).all()
    assert (table["planted_low"] <= table["planted_auroc"]).all()
    assert np.isfinite(table["own_loss"]).all()
    written = pd.read_csv(tmp_path / "out" / "ablation.tsv", sep="\t")
    np.testing.assert_allclose(written["planted_auroc"], table["planted_auroc"], rtol=1e-5)
    for suffix in ("svg", "png"):
        assert (tmp_path / "out" / f"ablation.{suffix}").stat().st_size > 5000
    # the second arm's measurements are lost: its training is not done again, the first arm not read
    (tmp_path / "out" / "runs" / "mlm-6mer-seed0" / "milestones.json").unlink()
    again: list[str] = []
    same = ablate(settings, arms, tmp_path / "out", say=again.append, cache=tmp_path / "cache")
    pd.testing.assert_frame_equal(same, table)
    assert not any(line.startswith("step 1/") for line in again)
    assert any("resuming" in line for line in again)
    # an arm that is another one now is not told from the old one's numbers
    masking = dataclasses.replace(arms[0].config.masking, ratio=0.3)
    other = Arm(arms[0].name, dataclasses.replace(arms[0].config, masking=masking))
    with pytest.raises(PretrainError, match=r"masking\.ratio was 0\.15, is 0\.3"):
        ablate(settings, [other, arms[1]], tmp_path / "out", say=silent, cache=tmp_path / "cache")


def test_a_probe_is_asked_about_every_milestone(grid, tmp_path):
    settings, arms = grid()

    def probe(embed):
        found = embed(windows(2, 32))
        assert found.shape == (2, 16)
        return {"one": float(np.isfinite(found).all()), "two": 0.5}

    table = ablate(
        settings, arms, tmp_path, probe=probe, say=lambda line: None, cache=tmp_path / "cache"
    )
    assert (table["probe_one"] == 1.0).all()
    assert (table["probe_mean"] == 0.75).all()
    kept = json.loads((tmp_path / "runs" / "electra-seed0" / "milestones.json").read_text())
    assert kept["wanted"]["probe"] is True


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('name = "electra"', 'nme = "electra"', "arm 1 .* needs a name"),
        ('name = "electra"', 'name = "../x"', "arm 1 .* needs a name"),
        ('name = "mlm-6mer"', 'name = "electra"', "two arms .* have the name 'electra'"),
        ("tokens = {", "token = {", "arm mlm-6mer: .*no key token; did you mean 'tokens'"),
        ('"6mer"', '"5mer"', "arm mlm-6mer: tokens.kind must be one of base, 6mer, bpe"),
        ("flops = 1e8", "flops = 0", "flops must be above 0"),
        ("flops = 1e8", "flop = 1e8", "no key flop; did you mean 'flops'"),
        ("[0.5, 1.0]", "[0.5]", "milestones must hold 1.0"),
        ("[0.5, 1.0]", '"all"', "milestones must be a list of numbers"),
    ],
)
def test_a_bad_grid_in_one_line(grid, before, after, words):
    with pytest.raises(PretrainError, match=words):
        grid(before, after)


def test_a_budget_below_one_step(grid, tmp_path):
    settings, arms = grid("flops = 1e8", "flops = 1e3")
    with pytest.raises(PretrainError, match=r"the budget of 1e\+03 FLOPs is 0\.00 steps"):
        ablate(settings, arms, tmp_path, say=lambda line: None, cache=tmp_path / "cache")


def test_the_shipped_grid_reads():
    settings, arms = read_grid("ablation")
    assert isinstance(settings, GridConfig)
    names = [arm.name for arm in arms]
    assert {"electra", "mlm", "electra-6mer", "mlm-bpe", "electra-span"} <= set(names)
    assert {arm.config.objective for arm in arms} == {"electra", "mlm"}


def test_probes_find_what_embeddings_hold_and_nothing_else():
    rng = np.random.default_rng(0)

    def part(n: int) -> Part:
        ids = rng.integers(tokenizer.A, tokenizer.T + 1, (2 * n, 40), dtype=np.uint8)
        ids[:n, 20] = tokenizer.A
        ids[n:, 20] = tokenizer.C
        positive = np.arange(2 * n) < n
        nowhere = np.zeros(2 * n, dtype=np.int64)
        return Part(ids, positive, nowhere.astype(str), nowhere, positive, 0)

    sets = {"letter": {"train": part(100), "choose": part(50), "test": part(50)}}

    def embed(windows: np.ndarray) -> np.ndarray:
        assert (windows[:, 0] == tokenizer.CLS).all()
        return (windows[:, 21:22] == tokenizer.A).astype(np.float32)

    def noise(windows: np.ndarray) -> np.ndarray:
        return rng.random((len(windows), 4)).astype(np.float32)

    assert probe_all(embed, sets) == {"letter": 1.0}
    assert 0.3 < probe_all(noise, sets)["letter"] < 0.7
