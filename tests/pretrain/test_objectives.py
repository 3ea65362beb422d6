"""What is minimised: the same mean however a batch is cut, and what a saved model reads back as."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from nucel_model import from_pretrained, tokenizer
from nucel_pretrain.objectives import Batch, ElectraConfig, load_model, losses, save_model
from nucel_pretrain.tokens import BaseTokens, KmerTokens
from nucel_pretrain.train import build_model, train

CPU = torch.device("cpu")


def batch(n: int = 4, length: int = 32, weights: bool = True, padded: bool = True) -> Batch:
    """Rows with padding of different length, masks and weights drawn at random."""
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, (n, length + 1))
    ids[:, 0] = tokenizer.CLS
    if padded:
        for row, cut in enumerate(torch.randint(0, length // 2, (n,)).tolist()):
            ids[row, length + 1 - cut :] = tokenizer.PAD
    masked = (torch.rand(ids.shape) < 0.2) & (ids >= tokenizer.A)
    masked[:, 1] = True
    return Batch(
        ids, masked, torch.rand(int(masked.sum()), 4), torch.rand(ids.shape) if weights else None
    )


def parts(whole: Batch, *sizes: int) -> list[Batch]:
    ends = np.cumsum(sizes)
    noise = whole.noise.split([int(m.sum()) for m in whole.masked.split(sizes)])
    return [
        Batch(
            whole.input_ids[end - size : end],
            whole.masked[end - size : end],
            part,
            None if whole.weights is None else whole.weights[end - size : end],
        )
        for size, end, part in zip(sizes, ends, noise, strict=True)
    ]


@pytest.mark.parametrize("objective", ["electra", "mlm"])
@pytest.mark.parametrize("weights", [True, False])
def test_the_loss_and_its_gradient_are_sums_over_parts(tiny_config, objective, weights):
    model = build_model(tiny_config(objective=objective), BaseTokens(), CPU)
    whole = batch(6, weights=weights)
    loss, _, _ = losses(model, whole, ElectraConfig())
    wanted = torch.autograd.grad(loss, list(model.parameters()))
    cut = parts(whole, 1, 3, 2)
    totals = [sum(t) for t in zip(*(p.totals() for p in cut), strict=True)]
    assert totals == pytest.approx(whole.totals())
    pieces = [losses(model, p, ElectraConfig(), (totals[0], totals[1]))[0] for p in cut]
    assert sum(p.item() for p in pieces) == pytest.approx(loss.item(), rel=1e-5)
    got = torch.autograd.grad(sum(pieces), list(model.parameters()))
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    # a mean over the parts' own means is another number: the test can tell them apart
    means = [losses(model, p, ElectraConfig())[0].item() for p in cut]
    assert np.mean(means) != pytest.approx(loss.item(), rel=1e-5)


def test_padding_changes_no_loss(tiny_config):
    model = build_model(tiny_config(), BaseTokens(), CPU)
    plain = batch(length=25, padded=False)
    pad = torch.nn.functional.pad
    padded = Batch(
        pad(plain.input_ids, (0, 7), value=tokenizer.PAD),
        pad(plain.masked, (0, 7)),
        plain.noise,
        pad(plain.weights, (0, 7), value=1.0),
    )
    assert padded.totals() == pytest.approx(plain.totals())
    wanted = losses(model, plain, ElectraConfig())[1]
    for name, value in losses(model, padded, ElectraConfig())[1].items():
        assert value.item() == pytest.approx(wanted[name].item(), rel=1e-5), name


def test_a_weight_counts_a_token_so_many_times(tiny_config):
    model = build_model(tiny_config(), BaseTokens(), CPU)
    one = batch(2, padded=False)
    doubled = torch.tensor([[2.0], [1.0]]).expand(one.input_ids.shape).contiguous()
    weighted = Batch(one.input_ids, one.masked, one.noise, doubled)
    first, second = parts(Batch(one.input_ids, one.masked, one.noise), 1, 1)
    repeated = Batch(
        torch.cat([first.input_ids] * 2 + [second.input_ids]),
        torch.cat([first.masked] * 2 + [second.masked]),
        torch.cat([first.noise] * 2 + [second.noise]),
    )
    assert losses(model, weighted, ElectraConfig())[0].item() == pytest.approx(
        losses(model, repeated, ElectraConfig())[0].item(), rel=1e-5
    )


def test_top_k_and_temperature_reach_the_sampling(tiny_config):
    model = build_model(tiny_config(), BaseTokens(), CPU)
    given = batch()
    _, plain, _ = losses(model, given, ElectraConfig(top_k=1))
    logits = model.generator_head(
        model.generator(
            given.input_ids.masked_fill(given.masked, tokenizer.MASK),
            given.input_ids != tokenizer.PAD,
        ).last_hidden_state[given.masked]
    )
    likeliest = tokenizer.A + logits[:, tokenizer.A : tokenizer.A + 4].argmax(dim=1)
    right = (likeliest == given.input_ids[given.masked]).float().mean()
    assert plain["generator_accuracy"].item() == pytest.approx(right.item())
    _, cold, _ = losses(model, given, ElectraConfig(temperature=1e-6))
    assert cold["generator_accuracy"].item() == pytest.approx(right.item())


def test_a_saved_generator_of_a_shared_table_says_what_the_trained_one_said(tiny_config, tmp_path):
    config = tiny_config(electra={"embeddings": "shared"})
    model = build_model(config, BaseTokens(), CPU)
    table = model.discriminator.embeddings.tok_embeddings.weight
    names = dict(model.named_parameters())
    assert sum(p is table for p in names.values()) == 1
    assert not any("generator.embeddings.tok_embeddings.weight" in name for name in names)
    given = batch(padded=False)
    hidden = given.input_ids.masked_fill(given.masked, tokenizer.MASK)
    before = model.generator_head(model.generator(hidden).last_hidden_state)
    losses(model, given, ElectraConfig())[0].backward()
    assert table.grad is not None
    saved = from_pretrained(save_model(model, tmp_path) / "generator")
    assert saved.mlm_head is not None
    torch.testing.assert_close(
        saved.mlm_head(saved(hidden).last_hidden_state), before, rtol=1e-5, atol=1e-6
    )
    whole = from_pretrained(tmp_path)
    assert torch.equal(whole.encoder.embeddings.tok_embeddings.weight, table)


def test_a_shared_table_learns_from_both_losses(tiny_config):
    gradients = []
    for kind in ("shared", "separate"):
        model = build_model(tiny_config(electra={"embeddings": kind}), BaseTokens(), CPU)
        given = batch(padded=False)
        model(given.input_ids, given.masked, given.noise).generator_loss.backward()
        gradients.append(model.discriminator.embeddings.tok_embeddings.weight.grad)
    assert gradients[0] is not None
    assert gradients[0].abs().sum() > 0
    assert gradients[1] is None


@pytest.mark.parametrize("objective", ["electra", "mlm"])
def test_a_model_of_longer_words_is_saved_and_read_back(tiny_config, tmp_path, objective):
    config = tiny_config(objective=objective)
    tokens = KmerTokens(6)
    model = build_model(config, tokens, CPU)
    save_model(model, tmp_path)
    other = build_model(tiny_config(objective=objective, loop={"seed": 5}), tokens, CPU)
    pairs = list(zip(model.parameters(), other.parameters(), strict=True))
    assert not all(torch.equal(p, q) for p, q in pairs)
    load_model(tmp_path, other)
    assert all(torch.equal(p, q) for p, q in pairs)
    with pytest.raises(ValueError, match="vocab_size 4107 is not NucEL's 27"):
        from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"electra": {"embeddings": "shared"}},
        {"electra": {"top_k": 2}},
        {"tokens": {"kind": "6mer"}},
        {"masking": {"strategy": "span"}},
        {"masking": {"strategy": "kmer-block"}},
        {"objective": "mlm"},
    ],
    ids=lambda changes: str(changes),
)
def test_every_choice_trains_and_its_loss_falls(tiny_config, tmp_path, changes):
    config = tiny_config(loop={"steps": 30}, optim={"learning_rate": 1e-2}, **changes)
    train(config, tmp_path, say=lambda line: None)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    name = "mlm_loss" if config.objective == "mlm" else "generator_loss"
    first, last = (
        np.mean([row[name] for row in rows[part]]) for part in (slice(3), slice(-3, None))
    )
    assert last < first - 0.1
