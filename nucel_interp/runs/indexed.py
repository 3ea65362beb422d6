"""Sequences in any form as an index of a file: what `fasta_run` reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nucel_interp.io.sequences import IN_MEMORY, Sequences, check_path, records_of
from nucel_interp.runs.fasta_index import Survey, survey_of, surveyed


@contextmanager
def indexed(sequences: Sequences) -> Iterator[Survey]:
    """The index of a FASTA file; sequences from memory are put into a temporary one.

    Args:
        sequences: A path, a dict, a list of strings, or records.

    Raises:
        InputError: As `read_records`.
    """
    if isinstance(sequences, (str, Path)):
        check_path(sequences)
        with surveyed(sequences) as survey:
            yield survey
        return
    records = records_of(sequences)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="nucel-interp-", suffix=".fa"
    ) as file:
        file.writelines(f">{record.name}\n{record.sequence}\n" for record in records)
        file.flush()
        yield survey_of(Path(file.name), IN_MEMORY)
