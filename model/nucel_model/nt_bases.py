"""From tokens of six bases to single bases: attention's mass, and what a masked token may read."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from nucel_model import nt_tokenizer
from nucel_model.nt_tokenizer import TOKEN_BP, Tokens

Rule = Literal["density", "mass"]
"""How a token's number is laid on its bases; see `NucleotideTransformer.profile_sequences`."""


def by_mass(received: Tensor, widths: Tensor) -> Tensor:
    """(layers, heads, tokens) so that a sequence's known bases have a mean of 1."""
    known = ~received.isnan()
    share = torch.where(known, received.double(), 0.0)
    share = share / share.sum(dim=-1, keepdim=True)
    n_bases = (known * widths).sum(dim=-1, keepdim=True)
    return (share * n_bases / widths).masked_fill(~known, float("nan")).to(received.dtype)


def expected_bases(
    logits: Tensor, tokens: Tokens, token: int, version: nt_tokenizer.Version
) -> Tensor:
    """(width, 4) base probabilities of one masked token from its (vocabulary,) logits."""
    acgt = [nt_tokenizer.LETTERS.index(base) for base in "ACGT"]
    if tokens.widths[token] == 1:
        first = nt_tokenizer.first_base(version)
        return logits[first : first + 4].softmax(dim=-1)[acgt][None]
    first = nt_tokenizer.FIRST_WORD[version]
    words = logits[first : first + nt_tokenizer.N_WORDS].reshape((4,) * TOKEN_BP)
    word = int(tokens.ids[token]) - first
    digits = [word // 4 ** (TOKEN_BP - 1 - k) % 4 for k in range(TOKEN_BP)]
    rows = []
    for k in range(TOKEN_BP):
        at: tuple[int | slice, ...] = (*digits[:k], slice(None), *digits[k + 1 :])
        rows.append(words[at].softmax(dim=-1)[acgt])
    return torch.stack(rows)
