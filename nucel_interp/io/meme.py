"""Motif files in MEME minimal format: reading (`nucel_genome.meme`), and writing as text.

A file's rows are positions and its columns A, C, G, T; `Motif.pwm` is the transpose, (4, width).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from nucel_genome.errors import GenomeError
from nucel_genome.meme import parse_meme
from nucel_interp.errors import InputError
from nucel_interp.io.text import read_text, shown
from nucel_interp.types import Motif


def read_meme(source: str | Path | TextIO) -> list[Motif]:
    """Read every motif of a file in MEME format, version 4 or later.

    What is accepted says `nucel_genome.meme.parse_meme`.

    Args:
        source: A path (packed files are told by content, ``-`` is standard input) or an open text
            stream.

    Returns:
        The motifs in file order, each pwm (4, width) with rows A, C, G, T and columns summing
        to 1; ``name`` is the word behind the id on the MOTIF line, as the MEME Suite takes it
        (MEME's own output goes on with width, sites and llr). Empty if the file has no motif.

    Raises:
        InputError: The file cannot be read, is damaged, is not in MEME format, is not DNA, or has a
            broken matrix or an id twice; the message names file and line.
    """
    if isinstance(source, str | Path):
        called, text = shown(source), read_text(source, "MEME motifs")
    else:
        called, text = str(getattr(source, "name", "standard input")), source.read()
    try:
        found = parse_meme(text, called)
    except GenomeError as error:
        raise InputError(str(error)) from error
    return [Motif(m.id, m.columns.T, m.n_sites, m.name) for m in found]


def write_meme(motifs: Iterable[Motif]) -> str:
    """Motifs as the text of a MEME minimal file (version 4, uniform background).

    Probabilities carry six decimals. Blanks inside a name become underscores, because other
    programs read one word.

    Raises:
        InputError: An id is empty, has blanks or comes twice, or a matrix has no column.
    """
    out = io.StringIO()
    out.write("MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n")
    out.write("Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n")
    seen: set[str] = set()
    for motif in motifs:
        if not motif.id or motif.id.split() != [motif.id] or motif.id in seen:
            raise InputError(
                f"Cannot write a motif named {motif.id!r}: an id must be one word without "
                "blanks, and different from every other id in the file. Rename the motif."
            )
        if motif.width == 0:
            raise InputError(f"Cannot write motif {motif.id}: it has no columns. Leave it out.")
        seen.add(motif.id)
        out.write(f"\nMOTIF {motif.id} {'_'.join(motif.name.split())}".rstrip(" ") + "\n")
        out.write(f"letter-probability matrix: alength= 4 w= {motif.width} ")
        out.write(f"nsites= {motif.n_sites} E= 0\n")
        for column in motif.pwm.T:
            out.write(" ".join(f"{value:.6f}" for value in column) + "\n")
    return out.getvalue()
