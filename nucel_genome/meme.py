"""Motifs in MEME minimal format: text into plain values.

The format is described in the MEME Suite's manual ("MEME Minimal Motif Format").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from nucel_genome.errors import GenomeError

# A row written with two decimals can be off by 4 x 0.005; counts are off by far more.
_ROW_SUM_TOLERANCE = 0.021
_DEFAULT_SITES = 20
_ATTRIBUTE = re.compile(r"(\w+)\s*=\s*(\S+)")
# TF-MoDISco's files lack the blank: "nsites= 20E= 1e-3"
_NO_BLANK_BEFORE_E = re.compile(r"(?<=[\d.])(?=E\s*=)")
_NUMBER = re.compile(r"[-+]?(\.?\d|nan|inf)", re.IGNORECASE)
_HEADERS = ("MOTIF", "letter-probability matrix", "log-odds matrix", "URL")


@dataclass(frozen=True)
class ProbabilityMatrix:
    """A motif as a file holds it.

    Attributes:
        id: First word of its MOTIF line, one of a kind in the file.
        name: Second word of that line, as the MEME Suite takes it (MEME's own output goes on with
            width, sites and llr); empty if there is none.
        columns: (width, 4) probabilities of A, C, G, T, each row summing to 1.
        n_sites: Sites it was made from; 20 where the file does not say.
    """

    id: str
    name: str
    columns: NDArray[np.float64]
    n_sites: int


def parse_meme(text: str, called: str) -> list[ProbabilityMatrix]:
    """Every motif of a text in MEME format, version 4 or later, in its order.

    Line ends may be LF or CRLF, the last line may lack its end, the attributes of a matrix may
    stand in any order with or without blanks around ``=`` or before ``E=``; ``w`` may be missing
    (the rows are counted) and so may ``nsites``. Rows that sum to 1 but for rounding are
    normalised. Log-odds matrices are skipped.

    Args:
        text: The whole file.
        called: Name of the file in messages.

    Raises:
        GenomeError: The text is not in MEME format, is not DNA, or has a broken matrix or an id
            twice; the message names file and line.
    """
    return _Reader(called, text).read()


class _Reader:
    """One pass over the lines of one file; ``line`` is the current number, from 1."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.lstrip("\ufeff").splitlines()
        self.line = 0

    def read(self) -> list[ProbabilityMatrix]:
        if not any(line.startswith("MEME version") for line in self.lines):
            raise GenomeError(
                f"{self.name} is not a MEME motif file: no line begins with 'MEME version'. Give "
                "a file in MEME minimal format; other formats must be converted first."
            )
        motifs: list[ProbabilityMatrix] = []
        seen: set[str] = set()
        heading: tuple[str, str] | None = None
        for text in self._lines():
            if text.startswith("ALPHABET"):
                self._check_alphabet(text)
            elif re.match(r"MOTIF\s|MOTIF$", text):
                if heading is not None:
                    self._fail(f"motif {heading[0]} has no letter-probability matrix", "Add it")
                heading = self._heading(text, seen)
            elif text.startswith("letter-probability matrix"):
                if heading is None:
                    self._fail("a matrix without a MOTIF line before it", "Add 'MOTIF <id>'")
                motifs.append(self._matrix(text, *heading))
                heading = None
        if heading is not None:
            self._fail(f"motif {heading[0]} has no letter-probability matrix", "Add it")
        return motifs

    def _lines(self) -> Iterator[str]:
        while self.line < len(self.lines):
            self.line += 1
            yield self.lines[self.line - 1].strip()

    def _fail(self, found: str, remedy: str, line: int | None = None) -> NoReturn:
        raise GenomeError(f"{self.name}, line {line or self.line}: {found}. {remedy}.")

    def _check_alphabet(self, text: str) -> None:
        _, equals, letters = text.partition("=")
        if equals and '"' not in text and letters.strip().upper() != "ACGT":
            self._fail(
                f"the alphabet is {letters.strip()}, but only DNA (ACGT) motifs can be used",
                "Give DNA motifs",
            )

    def _heading(self, text: str, seen: set[str]) -> tuple[str, str]:
        words = text.split()[1:]
        if not words:
            self._fail("a MOTIF line without an id", "Write 'MOTIF <id>'")
        if words[0] in seen:
            self._fail(f"the motif id {words[0]} was used before", "Give every motif its own id")
        seen.add(words[0])
        return words[0], words[1] if len(words) > 1 else ""

    def _matrix(self, header: str, motif_id: str, name: str) -> ProbabilityMatrix:
        at = self.line
        header = _NO_BLANK_BEFORE_E.sub(" ", header.partition(":")[2])
        attributes = dict(_ATTRIBUTE.findall(header))
        if attributes.get("alength", "4") != "4":
            self._fail(
                f"motif {motif_id} has alength= {attributes['alength']}, but DNA has 4 letters",
                "Give DNA motifs",
            )
        width = None
        if "w" in attributes:
            if not re.fullmatch(r"0*[1-9]\d*", attributes["w"]):
                self._fail(
                    f"motif {motif_id} has the width w= {attributes['w']}",
                    "Write the number of rows, or leave w= out",
                )
            width = int(attributes["w"])
        rows = self._rows(motif_id, width)
        if not rows or (width is not None and len(rows) != width):
            wanted = "rows" if width is None else f"{width} rows (w= {width})"
            self._fail(
                f"motif {motif_id} should have {wanted} but has {len(rows)}",
                "Mend w= or the rows",
                line=at,
            )
        columns = np.array(rows, dtype=np.float64)
        columns /= columns.sum(axis=1, keepdims=True)
        return ProbabilityMatrix(motif_id, name, columns, self._sites(attributes, motif_id, at))

    def _sites(self, attributes: dict[str, str], motif_id: str, at: int) -> int:
        text = attributes.get("nsites", str(_DEFAULT_SITES))
        try:
            # 0 means "not known" in files of some programs
            return max(0, round(float(text))) or _DEFAULT_SITES
        except (ValueError, OverflowError):
            self._fail(f"motif {motif_id} has nsites= {text}", "Write a number", line=at)

    def _rows(self, motif_id: str, width: int | None) -> list[Sequence[float]]:
        """The rows that follow, up to the next line that is no row (or a blank after rows)."""
        rows: list[Sequence[float]] = []
        while self.line < len(self.lines):
            text = self.lines[self.line].strip()
            if not text:
                if rows and (width is None or len(rows) >= width):
                    break
            elif text.startswith(_HEADERS) or not _NUMBER.match(text):
                # words where a number belongs are an error only inside a matrix of known width
                if width is None or len(rows) >= width or text.startswith(_HEADERS):
                    break
                self.line += 1
                self._fail(f"motif {motif_id}: {text[:40]!r} is no row of a matrix", "Mend it")
            else:
                self.line += 1
                rows.append(self._row(motif_id, text))
                continue
            self.line += 1
        return rows

    def _row(self, motif_id: str, text: str) -> Sequence[float]:
        try:
            row = [float(word) for word in text.split()]
        except ValueError:
            self._fail(f"motif {motif_id}: {text[:40]!r} is no row of numbers", "Mend it")
        if len(row) != 4:
            self._fail(
                f"motif {motif_id}: a row has {len(row)} numbers",
                "Write four: the probabilities of A, C, G and T",
            )
        total = sum(row)
        # written so that NaN fails as well
        if not (min(row) >= 0 and abs(total - 1) <= _ROW_SUM_TOLERANCE):
            self._fail(
                f"motif {motif_id}: a row must hold four probabilities that sum to 1, "
                f"but it sums to {total:g} ({text[:60]})",
                "If these are counts, divide each row by its sum",
            )
        return row
