"""Bases to the Nucleotide Transformer's tokens: six bases each, single ones where six do not fit.

Tokens do not overlap and are cut greedily from the left. N stands alone and cuts: the stretch after
it is cut anew from its own left end. Up to five bases before an N or the end are single tokens.
[CLS] is put in front and nothing behind. Letters are ordered A, T, C, G.

=========  =====================  ===========  ============  ======
version    special                six-mers     A, T, C, G    N
=========  =====================  ===========  ============  ======
v1         unk 0, pad 1,          4 .. 4099    4100 .. 4103  4104
           mask 2, cls 3
v2         the same, eos 4,       6 .. 4101    4102 .. 4105  4106
           bos 5
=========  =====================  ===========  ============  ======

Lower case counts like upper case; every letter but A, C, G, T is N, as in NucEL's tokenizer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Version = Literal["v1", "v2"]

UNK, PAD, MASK, CLS = 0, 1, 2, 3
TOKEN_BP = 6
LETTERS = "ATCG"
N_WORDS = len(LETTERS) ** TOKEN_BP
FIRST_WORD: dict[Version, int] = {"v1": 4, "v2": 6}
VOCAB_SIZE: dict[Version, int] = {"v1": 4105, "v2": 4107}

_DIGIT = np.full(256, len(LETTERS), dtype=np.int64)
for _i, _letter in enumerate(LETTERS):
    _DIGIT[[ord(_letter), ord(_letter.lower())]] = _i
_PLACE = len(LETTERS) ** np.arange(TOKEN_BP - 1, -1, -1)
_STRETCH = re.compile(rb"[ACGTacgt]+|[^ACGTacgt]")


@dataclass(frozen=True, eq=False)
class Tokens:
    """A sequence in tokens, [CLS] not counted.

    Attributes:
        ids: (tokens,) int64.
        widths: (tokens,) bases each stands for: 6, or 1.
        is_n: (tokens,) bool, True at N.
    """

    ids: NDArray[np.int64]
    widths: NDArray[np.int64]
    is_n: NDArray[np.bool_]

    @property
    def starts(self) -> NDArray[np.int64]:
        """(tokens,) first base of each, 0-based."""
        return np.cumsum(self.widths) - self.widths


def first_base(version: Version) -> int:
    """Id of the single base A; T, C and G follow, then N."""
    return FIRST_WORD[version] + N_WORDS


def tokenize(sequence: str, version: Version) -> Tokens:
    """Cut a sequence into tokens."""
    raw = sequence.encode("ascii", "replace")
    single = first_base(version)
    ids: list[NDArray[np.int64]] = []
    widths: list[NDArray[np.int64]] = []
    for stretch in _STRETCH.findall(raw):
        digits = _DIGIT[np.frombuffer(stretch, dtype=np.uint8)]
        n_words = len(digits) // TOKEN_BP
        words = digits[: n_words * TOKEN_BP].reshape(-1, TOKEN_BP) @ _PLACE
        rest = digits[n_words * TOKEN_BP :]
        ids += [FIRST_WORD[version] + words, single + rest]
        widths += [np.full(n_words, TOKEN_BP), np.ones(len(rest), dtype=np.int64)]
    together = np.concatenate([np.zeros(0, np.int64), *ids])
    return Tokens(
        together,
        np.concatenate([np.zeros(0, np.int64), *widths]),
        together == single + len(LETTERS),
    )


def batch(sequences: list[Tokens]) -> tuple[Tensor, Tensor]:
    """Put [CLS] in front, pad on the right.

    Returns:
        ``input_ids`` int64 and ``attention_mask`` bool, True = real; (batch, tokens) each.
    """
    lengths = torch.tensor([1 + len(tokens.ids) for tokens in sequences])
    longest = int(lengths.max()) if len(sequences) else 1
    out = np.full((len(sequences), longest), PAD, dtype=np.int64)
    out[:, 0] = CLS
    for row, tokens in zip(out, sequences, strict=True):
        row[1 : 1 + len(tokens.ids)] = tokens.ids
    return torch.from_numpy(out), torch.arange(longest) < lengths[:, None]
