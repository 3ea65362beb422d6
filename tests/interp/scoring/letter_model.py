"""A stand-in for a model of six-base tokens whose every number can be said beforehand.

A token receives the mean of its letters' values; nothing else plays a part. Tokens are laid as the
Nucleotide Transformer's are: from the left, anew after an N, what is left over base by base.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from nucel_model import Profile

VALUE = {"A": 0.5, "C": 2.0, "G": 1.25, "T": 0.75}
BEGINS_AT = 0.25
"""What the second head adds at a token of bases, times the token's number."""


@dataclass
class Shape:
    """What `score_sequences` asks of a configuration."""

    context_bp: int = 60
    token_bp: int = 6
    num_hidden_layers: int = 1
    num_attention_heads: int = 2

    def window(self, layer: int) -> int | None:
        """Every layer sees everything."""
        return None


def tokens(sequence: str, token_bp: int = 6) -> list[tuple[int, int]]:
    """(start, end) of every token."""
    found, at = [], 0
    while at < len(sequence):
        word = sequence[at : at + token_bp]
        step = token_bp if len(word) == token_bp and "N" not in word else 1
        found.append((at, at + step))
        at += step
    return found


class LetterModel:
    """Head 0: mean value of a token's letters. Head 1: the token's number from the left."""

    discriminator_head = None
    name = "letters"

    def __init__(self, shape: Shape | None = None) -> None:
        self.config = Shape() if shape is None else shape
        self.read: list[list[str]] = []

    def parameters(self) -> Iterator[torch.Tensor]:
        """One, on the CPU."""
        yield torch.zeros(())

    def profile_sequences(self, sequences: list[str], rule: str = "density") -> Profile:
        """By the rules above; entropy 1, [CLS] share 0.25."""
        self.read.append(list(sequences))
        most = self.config.context_bp // self.config.token_bp
        longest = max(map(len, sequences))
        received = np.full((len(sequences), 1, 2, longest), np.nan, dtype=np.float32)
        for row, sequence in zip(received[:, 0], sequences, strict=True):
            spans = tokens(sequence, self.config.token_bp)
            assert len(spans) <= most, f"{len(spans)} tokens are more than {most}"
            for number, (start, end) in enumerate(spans):
                if sequence[start] == "N":
                    continue
                row[0, start:end] = np.mean([VALUE[c] for c in sequence[start:end]])
                row[1, start:end] = BEGINS_AT * number + 1
                if rule == "mass":
                    row[:, start:end] /= end - start
            if rule == "mass":
                bases = len(sequence) - sequence.count("N")
                row *= bases / np.maximum(np.nansum(row, axis=1, keepdims=True), 1e-9)
        known = ~np.isnan(received)
        return Profile(
            received=torch.from_numpy(received),
            entropy=torch.from_numpy(np.where(known, np.float32(1), np.float32(np.nan))),
            cls_share=torch.full((len(sequences), 1, 2), 0.25),
            n_share=torch.zeros(len(sequences), 1, 2),
            last_hidden_state=torch.zeros(len(sequences), 1, 1),
        )
