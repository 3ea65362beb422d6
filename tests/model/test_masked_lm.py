"""Masked prediction: the loss by hand, at masked tokens alone, padding or not."""

from __future__ import annotations

import pytest
import torch

from nucel_model import MaskedLM, Nucel, from_pretrained, save_pretrained, tokenizer


@pytest.fixture
def model(tiny):
    return MaskedLM(tiny)


def masks(ids: torch.Tensor) -> torch.Tensor:
    return (torch.rand(ids.shape) < 0.2) & tokenizer.is_base(ids)


def test_the_loss_is_the_cross_entropy_at_masked_tokens(model, random_batch):
    ids, real = random_batch(50, 41)
    masked = masks(ids)
    out = model(ids, masked)
    hidden = model.encoder(ids.masked_fill(masked, tokenizer.MASK), real).last_hidden_state
    logits = model.head(hidden)
    nats = -logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0][masked]
    torch.testing.assert_close(out.loss, nats.mean())
    assert out.accuracy == (logits.argmax(-1) == ids)[masked].float().mean()
    torch.testing.assert_close(model.logits(ids, masked), logits[masked])


def test_the_true_token_behind_a_mask_is_not_seen(model, random_batch):
    ids, _ = random_batch(50)
    masked = masks(ids)
    other = ids.clone()
    other[masked] = tokenizer.A + (other[masked] - tokenizer.A + 1) % 4
    assert torch.equal(model.logits(ids, masked), model.logits(other, masked))


def test_padding_changes_nothing(model, random_batch):
    ids, _ = random_batch(40)
    masked = masks(ids)
    pad = torch.nn.functional.pad
    longer = pad(ids, (0, 9), value=tokenizer.PAD)
    torch.testing.assert_close(model.logits(longer, pad(masked, (0, 9))), model.logits(ids, masked))


def test_weights_and_a_total_make_a_weighted_mean(model, random_batch):
    ids, _ = random_batch(50, 50)
    masked = masks(ids)
    weights = torch.rand(ids.shape)
    nats = torch.nn.functional.cross_entropy(
        model.logits(ids, masked), ids[masked], reduction="none"
    )
    summed = (nats * weights[masked]).sum()
    mean = model(ids, masked, weights=weights).loss
    torch.testing.assert_close(mean, summed / weights[masked].sum())
    part = model(ids, masked, weights=weights, total=70.0).loss
    torch.testing.assert_close(part, summed / 70)


def test_it_learns_what_follows_from_the_context(model):
    ids = torch.tensor(tokenizer.encode("ACGT" * 8).astype("int64")).repeat(8, 1)
    ids = torch.cat([torch.full((8, 1), tokenizer.CLS), ids], dim=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(120):
        loss = model(ids, masks(ids)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    out = model(ids, masks(ids))
    assert out.loss < 0.3
    assert out.accuracy > 0.9


def test_a_saved_model_says_the_same(model, random_batch, tmp_path):
    ids, _ = random_batch(30)
    masked = masks(ids)
    saved = from_pretrained(save_pretrained(Nucel(model.encoder, mlm_head=model.head), tmp_path))
    hidden = saved(ids.masked_fill(masked, tokenizer.MASK)).last_hidden_state
    assert saved.mlm_head is not None
    torch.testing.assert_close(saved.mlm_head(hidden[masked]), model.logits(ids, masked))
