"""ELECTRA's parts: sampling, labels, gradients, and which way the discriminator points."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nucel_model import Electra, Nucel, NucelConfig, from_pretrained, save_pretrained, tokenizer
from nucel_model.electra import sample_tokens

SMALL = NucelConfig(
    hidden_size=32,
    num_attention_heads=2,
    intermediate_size=48,
    layer_types=("full_attention", "sliding_attention"),
    max_position_embeddings=128,
)


@pytest.fixture
def electra():
    return Electra(SMALL, SMALL)


def batch(n: int, length: int, share: float = 0.2):
    """True ids, which are masked, and noise; no N."""
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, (n, length + 1))
    ids[:, 0] = tokenizer.CLS
    masked = torch.rand(ids.shape) < share
    masked[:, 0] = False
    return ids, masked, torch.rand(int(masked.sum()), 4)


def test_special_tokens_are_never_sampled():
    logits = torch.full((5000, tokenizer.VOCAB_SIZE), 1000.0)
    logits[:, list(tokenizer.BASE_IDS)] = -1000.0
    sampled = sample_tokens(logits, torch.rand(5000, 4))
    assert set(sampled.tolist()) == set(tokenizer.BASE_IDS)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_softmax(temperature):
    n = 200_000
    row = torch.zeros(tokenizer.VOCAB_SIZE)
    row[list(tokenizer.BASE_IDS)] = torch.tensor([0.0, 1.0, -1.0, 2.0])
    sampled = sample_tokens(row.expand(n, -1), torch.rand(n, 4), temperature)
    counts = torch.bincount(sampled, minlength=tokenizer.VOCAB_SIZE)
    wanted = (row[list(tokenizer.BASE_IDS)] / temperature).softmax(0)
    # five standard errors of a share
    tolerance = 5 * (wanted * (1 - wanted) / n).sqrt()
    assert ((counts[list(tokenizer.BASE_IDS)] / n - wanted).abs() <= tolerance).all()


def test_top_1_is_the_likeliest_token_whatever_the_noise():
    logits = torch.randn(1000, tokenizer.VOCAB_SIZE)
    sampled = sample_tokens(logits, torch.rand(1000, 4), 5.0, top_k=1)
    bases = logits[:, tokenizer.A : tokenizer.T + 1]
    assert torch.equal(sampled, tokenizer.A + bases.argmax(dim=1))


def test_top_2_samples_two_tokens_by_their_odds():
    n = 100_000
    row = torch.zeros(tokenizer.VOCAB_SIZE)
    row[list(tokenizer.BASE_IDS)] = torch.tensor([0.0, 1.0, -1.0, 2.0])
    sampled = sample_tokens(row.expand(n, -1), torch.rand(n, 4), top_k=2)
    assert set(sampled.tolist()) == {tokenizer.C, tokenizer.T}
    # of C and T, whose logits differ by 1; five standard errors
    share = (sampled == tokenizer.T).float().mean()
    wanted = torch.sigmoid(torch.tensor(1.0))
    assert (share - wanted).abs() < 5 * (wanted * (1 - wanted) / n).sqrt()


def test_top_k_keeps_k_tokens_where_logits_tie():
    logits = torch.zeros(1000, tokenizer.VOCAB_SIZE)
    sampled = sample_tokens(logits, torch.rand(1000, 4), top_k=2)
    assert len(set(sampled.tolist())) == 2


def test_top_k_of_all_is_no_top_k():
    logits, noise = torch.randn(500, tokenizer.VOCAB_SIZE), torch.rand(500, 4)
    for k in (0, 4, 9):
        assert torch.equal(sample_tokens(logits, noise, top_k=k), sample_tokens(logits, noise))


def test_as_many_tokens_are_sampled_as_the_noise_has_columns():
    logits = torch.zeros(5000, 11 + 40)
    sampled = sample_tokens(logits, torch.rand(5000, 40))
    assert set(sampled.tolist()) == set(range(11, 51))


def test_sampling_bears_noise_of_exactly_zero_and_one():
    logits = torch.zeros(2, tokenizer.VOCAB_SIZE)
    noise = torch.tensor([[0.0, 1.0, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]])
    sampled = sample_tokens(logits, noise)
    assert sampled[0] == tokenizer.C
    assert tokenizer.is_base(sampled).all()


def test_labels_are_where_the_sample_differs_from_the_truth(electra):
    ids, masked, noise = batch(8, 100)
    out = electra(ids, masked, noise)
    hidden = electra.generator(ids.masked_fill(masked, tokenizer.MASK)).last_hidden_state
    sampled = sample_tokens(electra.generator_head(hidden[masked]), noise)
    right = sampled == ids[masked]
    # a generator with random weights is right about once in four: such a base counts as original
    assert 0 < right.float().mean() < 1
    assert torch.equal(out.is_replaced[masked], ~right)
    assert not out.is_replaced[~masked].any()
    assert out.generator_accuracy == right.float().mean()


def test_losses_are_those_of_the_paper(electra):
    ids, masked, noise = batch(4, 60)
    ids[0, 5] = tokenizer.UNK
    masked[0, 5] = False
    noise = noise[: int(masked.sum())]
    out = electra(ids, masked, noise)
    hidden = electra.generator(ids.masked_fill(masked, tokenizer.MASK)).last_hidden_state
    log_p = electra.generator_head(hidden).log_softmax(-1)
    wanted = -log_p.gather(-1, ids[..., None])[..., 0][masked].mean()
    torch.testing.assert_close(out.generator_loss, wanted)
    scored = tokenizer.is_base(ids)
    assert not scored[0, 5]
    assert not scored[:, 0].any()
    label = out.is_replaced.float()
    logit = out.replaced_logits
    # high logit = replaced = 1
    loss = -(label * F.logsigmoid(logit) + (1 - label) * F.logsigmoid(-logit))
    torch.testing.assert_close(out.discriminator_loss, loss[scored].mean())


def test_weights_and_totals_make_a_weighted_mean(electra):
    ids, masked, noise = batch(4, 60)
    weights = torch.rand(ids.shape)
    out = electra(ids, masked, noise, weights=weights)
    hidden = electra.generator(ids.masked_fill(masked, tokenizer.MASK)).last_hidden_state
    log_p = electra.generator_head(hidden).log_softmax(-1)
    nats = -log_p.gather(-1, ids[..., None])[..., 0][masked]
    wanted = (nats * weights[masked]).sum() / weights[masked].sum()
    torch.testing.assert_close(out.generator_loss, wanted)
    scored = weights[:, 1:]
    nats = F.binary_cross_entropy_with_logits(
        out.replaced_logits[:, 1:], out.is_replaced[:, 1:].float(), reduction="none"
    )
    torch.testing.assert_close(out.discriminator_loss, (nats * scored).sum() / scored.sum())
    part = electra(ids, masked, noise, weights=weights, totals=(100.0, 1000.0))
    torch.testing.assert_close(part.generator_loss, wanted * weights[masked].sum() / 100)
    torch.testing.assert_close(part.discriminator_loss, (nats * scored).sum() / 1000)


def test_a_batch_without_weight_has_no_loss_and_no_gradient(electra):
    ids, masked, noise = batch(4, 40)
    out = electra(ids, masked, noise, weights=torch.zeros(ids.shape))
    loss = out.generator_loss + 50 * out.discriminator_loss
    assert loss == 0
    loss.backward()
    assert all((p.grad == 0).all() for p in electra.parameters())


def test_a_shared_table_is_seen_through_a_projection():
    narrow = NucelConfig(
        hidden_size=8,
        num_attention_heads=2,
        intermediate_size=12,
        layer_types=("full_attention",),
        max_position_embeddings=128,
    )
    model = Electra(narrow, SMALL, shared_embeddings=True)
    table = model.discriminator.embeddings.tok_embeddings.weight
    shared = model.generator.embeddings.tok_embeddings
    assert shared.weight.shape == (tokenizer.VOCAB_SIZE, 8)
    assert torch.equal(shared(torch.tensor([[12, 4]]))[0], shared.weight[[12, 4]])
    assert sum(p is table for p in model.parameters()) == 1
    model(*batch(2, 20)).generator_loss.backward()
    assert table.grad is not None
    assert table.grad.abs().sum() > 0
    # moved as a whole, the two still hold one table
    double = model.to(torch.float64)
    assert double.generator.embeddings.tok_embeddings(torch.tensor([[12]])).dtype == torch.float64


def test_the_discriminators_loss_does_not_reach_the_generator(electra):
    out = electra(*batch(4, 40))
    out.discriminator_loss.backward()
    for part in (electra.generator, electra.generator_head):
        assert all(p.grad is None for p in part.parameters())
    for part in (electra.discriminator, electra.discriminator_head):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())


def test_the_generators_loss_does_not_reach_the_discriminator(electra):
    electra(*batch(4, 40)).generator_loss.backward()
    for part in (electra.discriminator, electra.discriminator_head):
        assert all(p.grad is None for p in part.parameters())
    assert all(p.grad is not None for p in electra.generator_head.parameters())


def test_a_step_depends_on_its_arguments_alone(electra):
    ids, masked, noise = batch(4, 40)
    first, second = electra(ids, masked, noise), electra(ids, masked, noise)
    other = electra(ids, masked, noise.flip(1))
    assert torch.equal(first.is_replaced, second.is_replaced)
    assert torch.equal(first.replaced_logits, second.replaced_logits)
    assert not torch.equal(first.is_replaced, other.is_replaced)


def test_a_trained_discriminator_is_high_where_a_base_was_replaced(electra, tmp_path):
    # sequence of A alone: a replaced base is plain to see, a random generator makes many
    def genome(n: int) -> torch.Tensor:
        ids = torch.full((n, 49), tokenizer.A)
        ids[:, 0] = tokenizer.CLS
        return ids

    discriminator = [
        *electra.discriminator.parameters(),
        *electra.discriminator_head.parameters(),
    ]
    optimizer = torch.optim.Adam(discriminator, lr=3e-3)
    for _ in range(40):
        _, masked, noise = batch(16, 48)
        loss = electra(genome(16), masked, noise).discriminator_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model = Nucel(electra.discriminator, electra.discriminator_head)
    model = from_pretrained(save_pretrained(model, tmp_path))
    ids = genome(8)
    ids[:, 20] = torch.tensor([tokenizer.C, tokenizer.G, tokenizer.T, tokenizer.C] * 2)
    with torch.no_grad():
        logit = model.replaced_logit(model(ids).last_hidden_state)
    assert logit.shape == (8, 48)
    assert (logit.argmax(dim=1) == 19).all()  # base 19 is token 20
    assert (logit[:, 19] > 0).all()
    assert (logit.median(dim=1).values < 0).all()
