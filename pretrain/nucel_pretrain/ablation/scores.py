"""A score for every base by any arm, whatever it was trained on.

*ELECTRA*: the discriminator's log-odds that the token was replaced; all bases of a longer token get
its one score. *Masked prediction*: the base's masked marginal log-odds: log of the probability of
the three other bases minus that of the observed one, where a base's probability is the sum over
all words of the token's length that have it at that place. Every eighth token is masked at a time,
close to the share the model was trained with.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nucel_model import Electra, MaskedLM, tokenizer
from nucel_pretrain.tokens import Tokenised, Tokens

STRIDE = 8
BATCH = 32
LEAST = float(np.log(1e-30))
"""Log-probability of a base that no word of that length has at that place."""


@torch.inference_mode()
def base_scores(
    model: nn.Module, tokens: Tokens, windows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """High = changed: (n, bases), nats; NaN at bases that no token covers.

    Args:
        model: `Electra` or `MaskedLM`.
        tokens: Tokens that the model reads.
        windows: (n, bases + 1) base ids, [CLS] first.
    """
    out = np.full((len(windows), windows.shape[1] - 1), np.nan, dtype=np.float32)
    words = _Words(tokens.words())
    for start in range(0, len(windows), BATCH):
        rows = windows[start : start + BATCH]
        read = tokens(rows)
        into = out[start : start + BATCH]
        if isinstance(model, Electra):
            ids = torch.from_numpy(read.input_ids)
            hidden = model.discriminator(ids, _real(ids)).last_hidden_state
            _spread(model.discriminator_head(hidden).float().numpy(), read, into)
        else:
            assert isinstance(model, MaskedLM)
            for offset in range(STRIDE):
                _masked_marginals(model, read, rows[:, 1:], offset, words, into)
    return out


@torch.inference_mode()
def embeddings(model: nn.Module, tokens: Tokens, windows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean hidden state over a window's bases, (n, hidden): a token counts once per base it has."""
    encoder = model.discriminator if isinstance(model, Electra) else model.encoder
    assert isinstance(encoder, nn.Module)
    out = []
    for start in range(0, len(windows), BATCH):
        read = tokens(windows[start : start + BATCH])
        ids = torch.from_numpy(read.input_ids)
        hidden = encoder(ids, _real(ids)).last_hidden_state
        share = torch.from_numpy(read.lengths / read.lengths.sum(axis=1, keepdims=True))
        out.append((hidden * share[..., None].float()).sum(dim=1).numpy())
    return np.concatenate(out)


class _Words:
    """Which words have which base where: ``members[(length, place)]`` is (4, n_words) bool."""

    def __init__(self, words: list[str]) -> None:
        self.lengths = np.array([len(word) for word in words])
        longest = int(self.lengths.max())
        letters = np.full((len(words), longest), -1)
        for row, word in zip(letters, words, strict=True):
            row[: len(word)] = tokenizer.encode(word).astype(np.int64) - tokenizer.A
        self._letters = letters

    def members(self, length: int, place: int) -> Tensor:
        fits = self.lengths == length
        return torch.from_numpy(
            np.stack([fits & (self._letters[:, place] == base) for base in range(4)])
        )


def _masked_marginals(
    model: MaskedLM,
    read: Tokenised,
    bases: NDArray[np.int64],
    offset: int,
    words: _Words,
    out: NDArray[np.float32],
) -> None:
    """Score the tokens at places offset, offset + 8 ... after [CLS], all masked at once."""
    ids = torch.from_numpy(read.input_ids)
    masked = torch.zeros_like(ids, dtype=torch.bool)
    masked[:, 1 + offset :: STRIDE] = True
    masked &= tokenizer.is_ordinary(ids)
    if not bool(masked.any()):
        return
    n = len(words.lengths)
    log_p = model.logits(ids, masked)[:, tokenizer.A : tokenizer.A + n].log_softmax(dim=-1)
    rows, places = (x.numpy() for x in masked.nonzero(as_tuple=True))
    lengths = read.lengths[rows, places]
    begins = (read.lengths.cumsum(axis=1) - read.lengths)[rows, places]
    for length in np.unique(lengths):
        (these,) = np.nonzero(lengths == length)
        for place in range(length):
            members = words.members(int(length), place)
            by_base = torch.stack(
                [log_p[these][:, m].logsumexp(dim=-1) for m in members], dim=-1
            ).numpy()
            at = begins[these] + place
            observed = bases[rows[these], at] - tokenizer.A
            others = by_base.copy()
            others[np.arange(len(these)), observed] = -np.inf
            alternatives = np.maximum(np.logaddexp.reduce(others, axis=1), LEAST)
            out[rows[these], at] = alternatives - by_base[np.arange(len(these)), observed]


def _spread(per_token: NDArray[np.float32], read: Tokenised, out: NDArray[np.float32]) -> None:
    for scores, lengths, row in zip(per_token, read.lengths, out, strict=True):
        per_base = np.repeat(scores, lengths)
        row[: len(per_base)] = per_base


def _real(ids: Tensor) -> Tensor | None:
    real = ids != tokenizer.PAD
    return None if bool(real.all()) else real
