"""Bases to token ids and back: the one place that knows the vocabulary.

NucEL's table has 27 rows. [CLS] is put in front and nothing behind, so base i is token i + 1.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PAD, UNK, CLS, SEP, MASK = 0, 1, 2, 3, 4
A, C, G, T = 11, 12, 13, 14
BASE_IDS = (A, C, G, T)
VOCAB_SIZE = 27

_ENCODE = np.full(256, UNK, dtype=np.uint8)
for _letter, _id in zip("ACGTacgt", BASE_IDS * 2, strict=True):
    _ENCODE[ord(_letter)] = _id
_DECODE = np.full(VOCAB_SIZE, ord("N"), dtype=np.uint8)
_DECODE[list(BASE_IDS)] = [ord(letter) for letter in "ACGT"]

COMPLEMENT = np.arange(VOCAB_SIZE, dtype=np.uint8)
"""Token id of the complementary base; special tokens are their own."""
COMPLEMENT[list(BASE_IDS)] = BASE_IDS[::-1]


def encode(sequence: str | bytes) -> NDArray[np.uint8]:
    """Token ids (len(sequence),) without [CLS]; every letter but A, C, G, T is [UNK]."""
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return _ENCODE[np.frombuffer(raw, dtype=np.uint8)]


def decode(ids: NDArray[np.integer]) -> str:
    """Letters of base ids; anything else reads N."""
    return _DECODE[np.asarray(ids)].tobytes().decode("ascii")


def reverse_complement_ids(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand of base ids without [CLS], along the last axis."""
    return COMPLEMENT[ids[..., ::-1]]


def batch(sequences: list[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Put [CLS] in front, pad on the right.

    Returns:
        ``input_ids`` int64 and ``attention_mask`` bool, True = real; (batch, tokens) each.
    """
    longest = 1 + max((len(ids) for ids in sequences), default=0)
    out = np.full((len(sequences), longest), PAD, dtype=np.int64)
    out[:, 0] = CLS
    for row, ids in zip(out, sequences, strict=True):
        row[1 : 1 + len(ids)] = ids
    lengths = torch.tensor([1 + len(ids) for ids in sequences])
    return torch.from_numpy(out), torch.arange(longest) < lengths[:, None]


def is_ordinary(ids: Tensor) -> Tensor:
    """True at every token that stands for sequence, in vocabularies of longer words too."""
    return ids >= A


def is_base(ids: Tensor) -> Tensor:
    """True at A, C, G, T; False at [CLS], N, [MASK] and padding."""
    return (ids >= A) & (ids <= T)
