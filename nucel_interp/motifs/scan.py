"""Where a motif occurs in sequences: FIMO's log-odds score and p-value, both strands.

FIMO (Grant, Bailey & Noble, Bioinformatics 2011, 27:1017) comes from pymemesuite; where that
cannot be imported, memelite's. This is the only module that uses either, and each is loaded at
first use. Both are given the same log-odds matrix, rounded to 0.01 bits for the p-value (FIMO's
own program rounds to about 0.1), so both report the same sites. A p-value is exact for the
rounded scores: within a few per cent of the exact one, more where few scores are possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.errors import InputError
from nucel_interp.motifs import compiled
from nucel_interp.motifs.pvalue import STEP, score_table
from nucel_interp.motifs.pwm import checked_background, log_odds
from nucel_interp.types import Motif, Site

_PSEUDOCOUNT = 0.1
_MOST_BASES = 2**31 - 2  # the engine counts in 32-bit integers
# every byte to A, C, G, T or N
_KEEP = bytes(b"ACGTT"[i] if (i := b"ACGTU".find(bytes([byte]).upper())) >= 0 else ord("N")
              for byte in range(256))  # fmt: skip
_CODE = np.full(256, 4, dtype=np.int8)
_CODE[list(b"ACGT")] = range(4)

_Hits = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]


@lru_cache(maxsize=1)
def scanner() -> tuple[str, str]:
    """Which engine scans here, and why: ``("pymemesuite" | "memelite", reason)``."""
    try:
        import pymemesuite.fimo  # noqa: F401
    except ImportError as error:
        reason = f"pymemesuite cannot be imported ({error}); memelite {version('memelite')} scans"
        return "memelite", reason
    return "pymemesuite", f"pymemesuite {version('pymemesuite')} is installed"


def strand_background(sequences: Sequence[str], pseudocount: float = 1.0) -> NDArray[np.float64]:
    """Base frequencies of sequences and their reverse complements together.

    Letters other than A, C, G, T are left out; ``pseudocount`` is added to each base.

    Returns:
        (4,) frequencies A, C, G, T, with A = T and C = G.
    """
    from nucel_model.sequences import listed

    counts = np.full(4, pseudocount)
    for sequence in listed(sequences):
        counts += np.bincount(_CODE[np.frombuffer(_clean(sequence), np.uint8)], minlength=5)[:4]
    both = counts + counts[::-1]
    return np.asarray(both / both.sum(), dtype=np.float64)


def scan(
    motif: Motif,
    sequences: Sequence[str],
    p_threshold: float = 1e-4,
    background: ArrayLike | None = None,
) -> list[Site]:
    """Sites of one motif; see `Scanner`, which is faster for several motifs."""
    return Scanner(sequences, background).scan(motif, p_threshold)


class Scanner:
    """Sequences made ready once, to be scanned with any number of motifs.

    Lower case counts like upper case and U like T. A window that holds any other letter (N,
    IUPAC codes) has no score; a sequence shorter than the motif has no window.
    """

    def __init__(
        self,
        sequences: Sequence[str],
        background: ArrayLike | None = None,
        engine: str | None = None,
    ) -> None:
        """Prepare sequences.

        Args:
            sequences: DNA; a site's ``record`` is the index into this list.
            background: (4,) base frequencies A, C, G, T for score and p-value; equal if not
                given. Averaged over both strands, since both are scanned.
            engine: "pymemesuite" or "memelite"; what `scanner` says if not given.

        Raises:
            InputError: More than 2^31 bases, or a background without four positive numbers.
        """
        from nucel_model.sequences import listed

        sequences = listed(sequences)
        b = checked_background(background)
        self.background = (b + b[::-1]) / 2
        self.engine = engine or scanner()[0]
        # One text with N between the records: no window can cross one, and one long sequence is
        # far faster than many. The last N matters too: pymemesuite 0.1.0a4 never looks at the
        # last window of a sequence.
        self._text = b"".join(_clean(sequence) + b"N" for sequence in sequences)
        if len(self._text) > _MOST_BASES:
            raise InputError(
                f"{len(self._text):,} bases cannot be scanned at once, the limit is "
                f"{_MOST_BASES:,}. Scan the sequences in parts."
            )
        lengths = np.array([len(sequence) + 1 for sequence in sequences], dtype=np.int64)
        self._starts = np.cumsum(lengths) - lengths
        self._codes = _CODE[np.frombuffer(self._text, np.uint8)]
        self._not_base = np.concatenate([[0], np.cumsum(self._codes == 4)])
        self._ready: Any = None

    def scan(self, motif: Motif, p_threshold: float = 1e-4) -> list[Site]:
        """Every window, on either strand, with p below ``p_threshold``.

        Score: sum of `pwm.log_odds` in bits (pseudocount 0.1 sites, as FIMO). p: chance that a
        random window of this background scores at least as much.

        Returns:
            Sites sorted by record, start and strand; 0-based half-open on the given strand.
            A palindrome is reported on both strands.

        Raises:
            InputError: ``p_threshold`` is not in 0..1.
        """
        if not 0 < p_threshold <= 1:
            raise InputError(f"A p-value threshold lies between 0 and 1, but {p_threshold} is not.")
        width = motif.width
        if width == 0 or width > len(self._text):
            return []
        scores = log_odds(motif.pwm, self.background, _PSEUDOCOUNT, max(motif.n_sites, 1))
        if np.ptp(scores) < 1e-9:  # flat: every window scores the same, p = 1
            return []
        find = self._pymemesuite if self.engine == "pymemesuite" else self._memelite
        at, reverse, p = find(scores, p_threshold)
        return self._sites(scores, at, reverse, p)

    def _sites(
        self,
        scores: NDArray[np.float64],
        at: NDArray[np.int64],
        reverse: NDArray[np.bool_],
        p: NDArray[np.float64],
    ) -> list[Site]:
        order = np.lexsort((reverse, at))
        at, reverse, p = at[order], reverse[order], p[order]
        total = self._gather(scores, at, reverse).sum(axis=1)
        record = np.searchsorted(self._starts, at, side="right") - 1
        start = at - self._starts[record]
        width = scores.shape[1]
        return [
            Site(r, s, s + width, "-" if minus else "+", score, chance)
            for r, s, minus, score, chance in zip(
                record.tolist(), start.tolist(), reverse.tolist(), total.tolist(), p.tolist(),
                strict=True,
            )
        ]  # fmt: skip

    def _gather(
        self, values: NDArray[Any], at: NDArray[np.int64], reverse: NDArray[np.bool_]
    ) -> NDArray[Any]:
        """The entries of a (4, width) matrix met at each position of each window, (n, width)."""
        width = values.shape[1]
        letters = self._codes[at[:, None] + np.arange(width)]
        letters = np.where(reverse[:, None], 3 - letters[:, ::-1], letters)
        return np.asarray(values[letters, np.arange(width)])

    def _pymemesuite(self, scores: NDArray[np.float64], p_threshold: float) -> _Hits:
        from pymemesuite.common import Alphabet, Array, Background, Matrix, Motif, Sequence
        from pymemesuite.fimo import FIMO

        if self._ready is None:
            alphabet = Alphabet.dna()
            background = Background(alphabet, Array(self.background.tolist()))
            self._ready = alphabet, background, [Sequence(self._text.decode("ascii"))]
        alphabet, background, text = self._ready
        # the log-odds carry the pseudocount, which the engine would not add by itself
        smoothed = (2.0**scores) * self.background[:, None]
        # levels such that the engine's unit becomes STEP: it divides the levels by the span from
        # the lowest score, rounded down to a whole bit, to the highest
        levels = int(np.ceil((scores.max() - np.floor(scores.min())) / STEP + 1e-6))
        pssm = Motif(alphabet, frequencies=Matrix(smoothed.T.tolist())).build_pssm(
            background, range=levels
        )
        # with fewer places the engine drops the worse half of its hits without a word
        places = min(2 * len(self._text), 2**31 - 1)
        pattern = FIMO(threshold=p_threshold, max_stored_scores=places).score_pssm(pssm, text)
        # start and stop are 1-based, both included, and swapped on the reverse strand
        hits = [
            (min(hit.start, hit.stop) - 1, hit.strand == "-", hit.pvalue)
            for hit in pattern.matched_elements
        ]
        at, reverse, p = zip(*hits, strict=True) if hits else ((), (), ())
        return np.array(at, np.int64), np.array(reverse, np.bool_), np.array(p, np.float64)

    def _memelite(self, scores: NDArray[np.float64], p_threshold: float) -> _Hits:
        nothing = np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0)
        table = score_table(scores, self.background)
        cutoff = table.cutoff(p_threshold)
        if cutoff is None:
            return nothing
        if self._ready is None:
            self._ready = np.ascontiguousarray(
                (self._codes == np.arange(4, dtype=np.int8)[:, None]).astype(np.int8)[None]
            )
        # The engine's p-values hold for equal base frequencies only and its scores are rounded.
        # So it gets the cutoff as the p-value that equal frequencies would give, with room for
        # rounding, and what it finds is weighed by our own table.
        room = int(np.ceil(scores.shape[1] / 2)) + 1
        equal = score_table(scores)
        loose = equal.tail[max(cutoff - equal.lowest - room, 0)]
        found = compiled.fimo()(
            {"motif": 0.25 * 2.0**scores},
            self._ready,
            bin_size=table.step,
            eps=0.0,
            threshold=min(1.05 * float(loose), 1.0),
        )[0]
        if len(found) == 0:
            return nothing
        at = found["start"].to_numpy(np.int64)
        reverse = (found["strand"] == "-").to_numpy(np.bool_)
        # the engine lets N score 0
        whole = self._not_base[at + scores.shape[1]] == self._not_base[at]
        at, reverse = at[whole], reverse[whole]
        p = table.p(self._gather(table.scores, at, reverse).sum(axis=1))
        kept = p < p_threshold
        return at[kept], reverse[kept], p[kept]


def _clean(sequence: str) -> bytes:
    return sequence.encode("ascii", "replace").translate(_KEEP)
