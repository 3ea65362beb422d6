"""What motifs are planted into: uniform bases, a Markov chain, or shuffled real sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nucel_genome import Genome
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.evaluation.markov import log_probabilities, word_counts
from nucel_pretrain.messages import Say

Bases = NDArray[np.uint8]
"""0 to 3 for A, C, G, T."""

SETS = ("train", "validation", "held_out")
_SHARE = 10
"""Of every ten windows of real sequence eight are for training, one for each other set."""


class Background(Protocol):
    """Draws sequence that holds no planted motif.

    Attributes:
        words: Description of the background, for the methods paragraph.
    """

    words: str

    def draw(self, rng: np.random.Generator, set_: str, length: int) -> Bases:
        """``length`` bases for an example of the set named."""


class Uniform:
    """Every base independently, each of the four with probability 1/4."""

    words = "independent bases, each of the four with probability 1/4"

    def draw(self, rng: np.random.Generator, set_: str, length: int) -> Bases:
        """See `Background.draw`."""
        return rng.integers(0, 4, length, dtype=np.uint8)


class Markov:
    """A chain of the given order, fitted to both strands of real sequence."""

    def __init__(self, genome: Genome, order: int, source: str) -> None:
        counts = word_counts(_stretches(genome), order + 1)
        if not counts.any():
            raise DataError(f"{source} has no stretch of {order + 1} bases without N")
        # one pseudo-observation, shared out as the next lower order says
        table = np.exp(log_probabilities(counts, order, 1.0)).reshape(-1, 4)
        self.order = order
        self.cumulative = np.cumsum(table, axis=1)
        starts = counts.reshape(-1, 4).sum(axis=1).astype(np.float64)
        self.starts = starts / starts.sum()
        self.words = (
            f"a Markov chain of order {order} fitted to both strands of {source} "
            f"({sum(int(genome.length(n)) for n in genome.names):,} bases)"
        )

    def draw(self, rng: np.random.Generator, set_: str, length: int) -> Bases:
        """See `Background.draw`."""
        word = int(rng.choice(len(self.starts), p=self.starts))
        out = np.empty(length, dtype=np.uint8)
        for i in range(self.order):
            if i < length:
                out[i] = word // 4 ** (self.order - 1 - i) % 4
        uniform = rng.random(length)
        for i in range(self.order, length):
            base = min(3, int(np.searchsorted(self.cumulative[word], uniform[i], side="right")))
            out[i] = base
            word = (word * 4 + base) % len(self.starts)
        return out


class Shuffled:
    """Windows of real sequence, each shuffled so that its dinucleotide counts are kept.

    Windows do not overlap, and each serves one set alone.
    """

    def __init__(self, genome: Genome, length: int, source: str) -> None:
        self.genome, self.length = genome, length
        starts: dict[str, list[tuple[str, int]]] = {name: [] for name in SETS}
        number = 0
        for name in genome.names:
            for start, end in genome.runs(name):
                for at in range(int(start), int(end) - length + 1, length):
                    part = {0: "validation", 1: "held_out"}.get(number % _SHARE, "train")
                    starts[part].append((name, at))
                    number += 1
        if number < _SHARE:
            raise DataError(
                f"{source} has {number} windows of {length} bases without N; "
                f"shuffled sequence needs at least {_SHARE}"
            )
        self.starts = starts
        self.words = (
            f"windows of {source} that do not overlap ({number:,} of {length} bases, without N), "
            "each shuffled with its dinucleotide counts kept; a window serves one set alone"
        )

    def draw(self, rng: np.random.Generator, set_: str, length: int) -> Bases:
        """See `Background.draw`; the windows' length is the one given at first."""
        name, at = self.starts[set_][int(rng.integers(len(self.starts[set_])))]
        window = self.genome.fetch(name, at, at + self.length) - np.uint8(tokenizer.A)
        return dinucleotide_shuffle(window[:length], rng)


def open_background(
    kind: str,
    *,
    order: int,
    length: int,
    fasta: Sequence[str | Path],
    cache: Path | None = None,
    say: Say | None = None,
) -> Background:
    """The background a configuration names.

    Args:
        kind: uniform, markov or shuffled.
        order: Order of the Markov chain.
        length: Bases per example.
        fasta: Real sequence, for markov and shuffled.
        cache: Folder in which converted genomes are kept; None = the user's cache.
        say: Called with each line of progress.

    Raises:
        DataError: Real sequence is needed and none, or too little, is given.
    """
    if kind == "uniform":
        return Uniform()
    if not fasta:
        raise DataError(f"a {kind} background is made from real sequence: pass --fasta")
    genome = Genome.open(fasta, cache=cache, say=say)
    source = ", ".join(Path(path).name for path in fasta)
    return Markov(genome, order, source) if kind == "markov" else Shuffled(genome, length, source)


def dinucleotide_shuffle(bases: Bases, rng: np.random.Generator) -> Bases:
    """A uniform draw among the orders with the same dinucleotides and the same ends.

    Altschul and Erickson (1985): keep for last, of each base's successors, one that leads towards
    the last base; shuffle the others; walk.
    """
    if len(bases) < 3:
        return bases.copy()
    last = int(bases[-1])
    after = [bases[1:][bases[:-1] == base] for base in range(4)]
    seen = [base for base in range(4) if len(after[base]) and base != last]
    while True:
        kept = {base: int(rng.integers(len(after[base]))) for base in seen}
        exits = {base: int(after[base][i]) for base, i in kept.items()}
        if all(_leads_to(last, base, exits) for base in seen):
            break
    queues = []
    for base in range(4):
        queue = after[base]
        if base in kept:
            rest = rng.permutation(np.delete(queue, kept[base]))
            queues.append([*rest.tolist(), exits[base]])
        else:
            queues.append(rng.permutation(queue).tolist())
    taken = [0, 0, 0, 0]
    out = np.empty_like(bases)
    out[0] = here = int(bases[0])
    for i in range(1, len(bases)):
        following = queues[here][taken[here]]
        taken[here] += 1
        out[i] = here = following
    return out


def _leads_to(last: int, base: int, exits: dict[int, int]) -> bool:
    for _ in range(4):
        if base == last:
            return True
        base = exits[base]
    return base == last


def _stretches(genome: Genome) -> Iterator[Bases]:
    for name in genome.names:
        for start, end in genome.runs(name):
            yield genome.fetch(name, int(start), int(end))
