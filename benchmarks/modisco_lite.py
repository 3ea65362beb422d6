"""modisco-lite on discriminator substitution scores, in an interpreter of its own.

modisco-lite brings GPL packages and is never a dependency: give the interpreter of an environment
that has it (``python -m venv other; other/bin/pip install modisco``). It gets the sequence and
hypothetical contributions of the middle of each window through files, and is called through its
command line, with its defaults but for the window.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from nucel_interp.io.modisco import write_modisco
from nucel_interp.scoring import hypothetical_contributions, substitution_map
from nucel_interp.types import Motif, Record
from nucel_model import Nucel

MIDDLE_BP = 100
MAX_SEQLETS = 20_000
TRIM_SHARE = 0.3
TRIM_FLANK = 4


def contributions(
    model: Nucel,
    records: list[Record],
    n_sequences: int,
    cache: Path,
    on_progress: Callable[[int], None],
) -> tuple[list[Record], NDArray[np.float32]]:
    """The middles as records, and their hypothetical contributions (n, 100, 4); NaN at N.

    Of the strand as it is given, in half the forward passes of both. Bases outside the middle are
    context. ``cache`` is written after every ten windows and read first, so that a run may be cut
    off, or go on with more windows.
    """
    used = [r for r in records if len(r) >= MIDDLE_BP][:n_sequences]
    known: dict[str, NDArray[np.float32]] = {}
    if cache.exists():
        with np.load(cache) as saved:
            known = dict(zip(saved["windows"].tolist(), saved["contributions"], strict=True))
    todo = [r.sequence for r in used if r.sequence not in known]
    for some in (todo[i : i + 10] for i in range(0, len(todo), 10)):
        spans = [((len(s) - MIDDLE_BP) // 2, (len(s) + MIDDLE_BP) // 2) for s in some]
        maps = substitution_map(
            model, some, spans=spans, strands="forward", on_progress=on_progress
        )
        for text, (start, end), found in zip(some, spans, maps, strict=True):
            known[text] = hypothetical_contributions(found[start:end]).astype(np.float32)
        np.savez_compressed(
            cache, windows=np.array(list(known)), contributions=np.array(list(known.values()))
        )
    starts = [(len(r) - MIDDLE_BP) // 2 for r in used]
    middles = [
        Record(r.name, r.sequence[s : s + MIDDLE_BP]) for r, s in zip(used, starts, strict=True)
    ]
    return middles, np.array([known[r.sequence] for r in used])


def modisco_motifs(python: Path, records: list[Record], scores: NDArray[np.float32]) -> list[Motif]:
    """Its patterns, those of positive score first, larger ones first; trimmed as its report does.

    Raises:
        RuntimeError: It did not run to its end.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_modisco(folder, records, list(scores))
        done = subprocess.run(
            [
                python.with_name("modisco"), "motifs",
                "-s", folder / "sequences.npz", "-a", folder / "scores.npz",
                "-n", str(MAX_SEQLETS), "-w", str(MIDDLE_BP), "-o", folder / "out.h5",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"modisco-lite ended with {done.returncode}: {done.stderr[-1000:]}")
        return read_patterns(folder / "out.h5")[0]


def read_patterns(path: Path) -> tuple[list[Motif], list[NDArray[np.int64]]]:
    """Trimmed patterns of a results file, and the numbers of the sequences their seqlets are in."""
    motifs, members = [], []
    with h5py.File(path) as file:
        for sign in ("pos_patterns", "neg_patterns"):
            group = file.get(sign, {})
            found = []
            for name in group:
                pattern = group[name]
                rows = pattern["seqlets"]["example_idx"][:].astype(np.int64)
                weight = np.abs(pattern["contrib_scores"][:]).sum(axis=1)
                strong = np.flatnonzero(weight >= TRIM_SHARE * weight.max())
                kept = slice(max(0, strong[0] - TRIM_FLANK), strong[-1] + TRIM_FLANK + 1)
                pwm = pattern["sequence"][kept].astype(np.float64).T + 1e-6
                found.append((len(rows), name, pwm / pwm.sum(axis=0), rows))
            for n_seqlets, name, pwm, rows in sorted(found, key=lambda f: (-f[0], f[1])):
                motifs.append(Motif(f"{sign}.{name}", pwm, n_seqlets))
                members.append(rows)
    return motifs, members
