"""Bases to the tokens a model reads: single bases (NucEL's), 6-mers, or byte-pair words.

6-mers and words exist for the ablation alone: a folder trained on them is no NucEL folder, and
`nucel_model.from_pretrained` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nucel_model import tokenizer

KINDS = ("base", "6mer", "bpe")


@dataclass(frozen=True, kw_only=True)
class TokensConfig:
    """What one token is."""

    kind: str = "base"
    """base, 6mer (not overlapping; a window's last bases that fill no 6-mer are left out) or bpe
    (byte-pair encoding, Sennrich et al. 2016, learned on the training windows)."""
    vocabulary: int = 4096
    """Number of words, for bpe alone."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.kind not in KINDS:
            raise ValueError(f"tokens.kind must be one of {', '.join(KINDS)}; got {self.kind!r}")
        if self.vocabulary < 8:
            raise ValueError(f"tokens.vocabulary must be at least 8; got {self.vocabulary}")


@dataclass(frozen=True)
class Tokenised:
    """Windows as tokens.

    Attributes:
        input_ids: (n, tokens) int64, [CLS] first, padded on the right.
        lengths: (n, tokens) bases in each token: 0 at [CLS] and padding. Token i of a row begins
            at the sum of the lengths before it.
    """

    input_ids: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def mean(self, per_base: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean over each token's bases of (n, bases) numbers: (n, tokens), 0 where none."""
        sums_before = per_base.cumsum(axis=1, dtype=np.float64)
        total = np.concatenate([np.zeros((len(per_base), 1)), sums_before], axis=1)
        ends = self.lengths.cumsum(axis=1)
        rows = np.arange(len(per_base))[:, None]
        sums = total[rows, ends] - total[rows, ends - self.lengths]
        return (sums / np.maximum(self.lengths, 1)).astype(np.float32)


class Tokens(Protocol):
    """Turns windows of base ids into tokens."""

    vocab_size: int
    """Rows of the embedding table."""
    n_sequence: int
    """Tokens that stand for sequence: ids 11 .. 11 + n_sequence - 1."""

    def max_tokens(self, window: int) -> int:
        """The longest input a window of so many bases can give, [CLS] included."""
        ...

    def __call__(self, windows: NDArray[np.int64]) -> Tokenised:
        """Tokenise (n, bases + 1) base ids, [CLS] first."""
        ...

    def words(self) -> list[str]:
        """The bases of each sequence token, in the order of their ids."""
        ...


class BaseTokens:
    """One token a base."""

    vocab_size = tokenizer.VOCAB_SIZE
    n_sequence = 4

    def max_tokens(self, window: int) -> int:
        """[CLS] and one a base."""
        return window + 1

    def __call__(self, windows: NDArray[np.int64]) -> Tokenised:
        """The windows as they are."""
        lengths = np.ones(windows.shape, dtype=np.int64)
        lengths[:, 0] = 0
        return Tokenised(windows, lengths)

    def words(self) -> list[str]:
        """A, C, G, T."""
        return list("ACGT")


class KmerTokens:
    """Words of k bases side by side, counted in base 4: AA..A is 11."""

    def __init__(self, k: int = 6) -> None:
        self.k = k
        self.n_sequence = 4**k
        self.vocab_size = tokenizer.A + self.n_sequence

    def max_tokens(self, window: int) -> int:
        """[CLS] and as many whole k-mers as fit."""
        return window // self.k + 1

    def __call__(self, windows: NDArray[np.int64]) -> Tokenised:
        """Bases after the last whole k-mer are left out; windows hold no N."""
        n = (windows.shape[1] - 1) // self.k
        codes = (windows[:, 1 : 1 + n * self.k] - tokenizer.A).reshape(len(windows), n, self.k)
        out = np.full((len(windows), n + 1), tokenizer.CLS, dtype=np.int64)
        out[:, 1:] = tokenizer.A + codes @ (4 ** np.arange(self.k - 1, -1, -1))
        lengths = np.full(out.shape, self.k, dtype=np.int64)
        lengths[:, 0] = 0
        return Tokenised(out, lengths)

    def words(self) -> list[str]:
        """Every k-mer, in alphabetical order."""
        codes = np.arange(self.n_sequence)[:, None] // 4 ** np.arange(self.k - 1, -1, -1) % 4
        return [tokenizer.decode(tokenizer.A + row) for row in codes]


class BpeTokens:
    """Byte-pair words, by the tokenizers library."""

    def __init__(self, library: Any) -> None:
        self._library = library
        vocabulary: dict[str, int] = library.get_vocab()
        self._words = sorted(vocabulary, key=vocabulary.__getitem__)
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int64)
        self.n_sequence = len(self._words)
        self.vocab_size = tokenizer.A + self.n_sequence

    @classmethod
    def learn(cls, stretches: Iterator[str], vocabulary: int) -> BpeTokens:
        """Learn the words from stretches of sequence."""
        library = _tokenizers()
        model = library.Tokenizer(library.models.BPE())
        model.train_from_iterator(
            stretches,
            library.trainers.BpeTrainer(
                vocab_size=vocabulary, initial_alphabet=list("ACGT"), show_progress=False
            ),
        )
        return cls(model)

    @classmethod
    def load(cls, path: Path) -> BpeTokens:
        """Read what `save` wrote.

        Raises:
            ValueError: The file is not such a one, or the tokenizers package is missing.
        """
        library = _tokenizers()
        try:
            return cls(library.Tokenizer.from_file(str(path)))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(
                f"{path} cannot be read: {error}; delete it, and the words are learned again"
            ) from error

    def save(self, path: Path) -> None:
        """Write the library's JSON."""
        self._library.save(str(path))

    def max_tokens(self, window: int) -> int:
        """No word may be longer than one base: as many as bases."""
        return window + 1

    def __call__(self, windows: NDArray[np.int64]) -> Tokenised:
        """Rows differ in length and are padded to the longest."""
        found = [
            e.ids for e in self._library.encode_batch(list(map(tokenizer.decode, windows[:, 1:])))
        ]
        longest = max(map(len, found))
        out = np.full((len(windows), longest + 1), tokenizer.PAD, dtype=np.int64)
        lengths = np.zeros(out.shape, dtype=np.int64)
        out[:, 0] = tokenizer.CLS
        for row, length, ids in zip(out, lengths, found, strict=True):
            row[1 : 1 + len(ids)] = tokenizer.A + np.asarray(ids)
            length[1 : 1 + len(ids)] = self._lengths[ids]
        return Tokenised(out, lengths)

    def words(self) -> list[str]:
        """The learned words."""
        return self._words


def make_tokens(
    config: TokensConfig, stretches: Iterator[NDArray[np.uint8]], saved: Path
) -> Tokens:
    """The tokens a configuration asks for.

    Args:
        config: Kind of tokens, and the size of a byte-pair vocabulary.
        stretches: Training sequence as base ids; byte-pair words are learned on its first 2 Mb,
            in pieces of 256 bases.
        saved: Path of the file of learned words; read if it is there.
    """
    if config.kind == "base":
        return BaseTokens()
    if config.kind == "6mer":
        return KmerTokens(6)
    if not saved.exists():
        learned = BpeTokens.learn(_pieces(stretches, 256, 2_000_000), config.vocabulary)
        partial = saved.with_name(f".{saved.name}.partial")
        learned.save(partial)
        partial.replace(saved)
    return BpeTokens.load(saved)


def _pieces(stretches: Iterator[NDArray[np.uint8]], width: int, bases: int) -> Iterator[str]:
    for stretch in stretches:
        for start in range(0, min(len(stretch), bases), width):
            yield tokenizer.decode(stretch[start : start + width])
        bases -= len(stretch)
        if bases <= 0:
            return


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise ValueError(
            'tokens.kind = "bpe" needs the tokenizers package: pip install nucel-interp[bpe]'
        ) from error
    return tokenizers


def lookup(words: Sequence[str]) -> dict[str, int]:
    """From a token's bases to its id."""
    return {word: tokenizer.A + i for i, word in enumerate(words)}
