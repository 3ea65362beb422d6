"""Labelled sequences from whatever file is given: which reader it is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nucel_genome.text import bare_name
from nucel_model.heads import TASKS
from nucel_pretrain import messages
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.dataset import Dataset
from nucel_pretrain.finetune.matched import matched_dataset
from nucel_pretrain.finetune.read import read_dataset
from nucel_pretrain.finetune.sites import sites_dataset
from nucel_pretrain.messages import Say

BED, FASTA = (".bed",), (".fa", ".fasta", ".fna")


def read_any(
    data: Path,
    *,
    fasta: Sequence[Path] = (),
    window: int = 200,
    stranded: bool = False,
    train: Sequence[str] = (),
    dev: Sequence[str] = (),
    test: Sequence[str] = (),
    task: str = "",
    cache: Path | None = None,
    say: Say = messages.say,
) -> Dataset:
    """Sites of a BED file, sequences of a FASTA file, or a labelled table or folder.

    Args:
        data: BED or FASTA, told by the name's ending (packed or not); all else is read by
            `read_dataset`.
        fasta: The genome of a BED or FASTA file.
        window: Bases around a site, of a BED file.
        stranded: Whether a BED file's sites are read on the strand in column 6.
        train: Regions of a BED file's genome to learn on.
        dev: Regions to choose on.
        test: Regions to measure on.
        task: "classes", "multilabel" or "regression", of a table; empty = as its labels look.
        cache: Folder in which converted genomes are kept; None = the user's cache.
        say: Told of slow steps and of what is not used.

    Raises:
        PretrainError: An option does not go with this kind of file, or there is no such task.
        DataError: What the file holds cannot be used, see each reader.
        GenomeError: A file cannot be read.
    """
    if task and task not in TASKS:
        raise PretrainError(f"--task must be one of {', '.join(TASKS)}; got {task!r}")
    kind = Path(bare_name(data)).suffix
    genome = [str(path) for path in fasta]
    if kind in BED + FASTA and not genome:
        raise PretrainError(
            f"{data} holds no labels; give its genome, and windows of like GC content are what it "
            "is told from: --fasta hg38.2bit"
        )
    if kind not in BED and (stranded or train or dev or test):
        raise PretrainError(
            f"--stranded, --train, --dev and --test go with a BED file; {data} is none"
        )
    if kind in FASTA:
        return matched_dataset(data, genome, cache=cache, say=say)
    if kind in BED:
        return sites_dataset(
            data,
            genome,
            window=window,
            train=train,
            dev=dev,
            test=test,
            stranded=stranded,
            cache=cache,
            say=say,
        )
    if genome:
        raise PretrainError(f"--fasta goes with a BED or FASTA file; {data} is neither")
    return read_dataset(data, task=task or None)  # type: ignore[arg-type]  # checked above
