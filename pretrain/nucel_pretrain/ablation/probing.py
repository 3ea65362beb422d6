"""The probes of `evaluation`, fitted to any arm's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_genome import Genome
from nucel_model import tokenizer
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation.probes import probe
from nucel_pretrain.evaluation.settings import read_evaluation, with_files
from nucel_pretrain.evaluation.sites import PARTS, Labelled, labelled_windows
from nucel_pretrain.messages import Say

Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""From (n, bases + 1) base ids, [CLS] first, to (n, hidden)."""


def probe_all(embed: Embed, sets: Mapping[str, Labelled]) -> dict[str, float]:
    """AUROC on the test part of each labelled set, of a probe on the embeddings given."""
    found = {}
    for name, windows in sets.items():
        features = {part: {"mean": embed(_with_cls(windows[part].ids))} for part in PARTS}
        labels = {part: windows[part].positive for part in PARTS}
        found[name] = probe(features, labels, draws=1).auroc.value
    return found


def _with_cls(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    first = np.full((len(ids), 1), tokenizer.CLS, dtype=np.int64)
    return np.concatenate([first, ids.astype(np.int64)], axis=1)


def site_probe(
    settings: str | Path,
    fasta: Sequence[str],
    sites_dir: Path | None = None,
    cache: Path | None = None,
    say: Say = lambda line: None,
) -> Callable[[Embed], dict[str, float]]:
    """`probe_all` on the [[sites]] of evaluation settings, their windows cut once for all arms.

    ``say`` is told of slow steps and of sites that are not used.

    Raises:
        PretrainError: The settings cannot be read or name no sites.
        DataError: The sites do not fit the sequence.
    """
    read = with_files(read_evaluation(settings), sites_dir=str(sites_dir or ""))
    if read.split is None or not read.sites:
        raise PretrainError(f"{settings} has no [[sites]] to probe on")
    genome = Genome.open(fasta, cache=cache, say=say)
    folder = Path(read.probes.sites_dir)
    split = read.split
    sets = {
        sites.name: labelled_windows(genome, sites, split, folder=folder, say=say)
        for sites in read.sites
    }
    return lambda embed: probe_all(embed, sets)
