"""What a motif-order run leaves in its folder; every file whole or not at all.

======================================  ===========================================================
``config.json``                         settings as resolved: another run is refused the folder
``motifs.meme``                         A and B
``held_out.fa``, ``.bed``, ``.tsv``     sequences; where A and B lie in them; labels
``models/NAME-before``                  a pre-trained model as it was
``models/NAME-random-weights[-seedS]``  the same shape with random weights
``models/NAME-seedS``                   fine-tuned; ``finetune.json`` in it holds its curve
``results.tsv``, ``summary.tsv``        a row per model and seed; per model, over seeds
``methods.md``, ``run.json``            every choice in words, and as data
======================================  ===========================================================
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
import shutil
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from scipy.stats import beta, t

from nucel_pretrain.config import as_dict
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.motif_order.matrices import Matrix
from nucel_pretrain.motif_order.sampling import Example
from nucel_pretrain.motif_order.settings import MotifOrderConfig
from nucel_pretrain.runfolder import check_folder, write_whole

Row = dict[str, Any]
MAY_GROW = frozenset(("models", "shapes", "seeds"))
"""What may differ between sittings of a run: no model's result depends on the others."""


def check(settings: MotifOrderConfig, out: Path, motifs: str) -> None:
    """See whether the folder can be made, or the run that it holds gone on with.

    ``motifs`` is the text of the MEME file.

    Raises:
        PretrainError: It holds another run or other files, or cannot be written.
    """
    wanted = _wanted(settings, motifs)
    path = out / "config.json"
    check_folder(out)
    if path.exists():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise PretrainError(f"{path} is not a run's configuration: {error}") from error
        before = before if isinstance(before, dict) else {}
        keys = [k for k in wanted if before.get(k) != wanted[k] and k not in MAY_GROW]
        if keys:
            raise PretrainError(
                f"{out} holds a run with other settings ({', '.join(keys)} differ); "
                "give another --out, or the first settings to go on with that run"
            )
    elif out.is_dir() and any(out.iterdir()):
        raise PretrainError(f"{out} holds other files; give a folder that is new or empty")


def begin(settings: MotifOrderConfig, out: Path, motifs: str) -> None:
    """Make the folder, or go on with the run it holds; ``motifs`` is the text of the MEME file.

    Raises:
        PretrainError: As `check`.
    """
    check(settings, out, motifs)
    (out / "models").mkdir(parents=True, exist_ok=True)
    write_whole(out / "motifs.meme", motifs)
    write_whole(out / "config.json", json.dumps(_wanted(settings, motifs), indent=2) + "\n")


def _wanted(settings: MotifOrderConfig, motifs: str) -> dict[str, Any]:
    return as_dict(settings) | {"motifs_sha256": hashlib.sha256(motifs.encode()).hexdigest()}


def write_examples(examples: Sequence[Example], motifs: tuple[Matrix, Matrix], out: Path) -> None:
    """FASTA, BED of the sites (0-based half-open; name A or B is the motif's) and labels."""
    write_whole(out / "held_out.fa", "".join(f">{e.name}\n{e.sequence}\n" for e in examples))
    lines = [
        f"{e.name}\t{site.start}\t{site.end}\t{site.motif}\t0\t{site.strand}\n"
        for e in examples
        for site in sorted(e.sites, key=lambda s: s.start)
    ]
    write_whole(out / "held_out.bed", "".join(lines))
    a, b = (m.name for m in motifs)
    write_whole(
        out / "held_out.tsv",
        _table(
            [{"name": e.name, "label": e.label, "first": a if e.label else b} for e in examples]
        ),
    )


def model_folder(out: Path, name: str) -> Path:
    """Where a model of the run lies."""
    return out / "models" / name


def whole_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Write a folder under another name and rename it."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write(partial)
    partial.replace(folder)


def write_results(rows: Sequence[Row], out: Path) -> None:
    """The tables of what is finished so far."""
    write_whole(out / "results.tsv", _table(rows))
    write_whole(out / "summary.tsv", _table(over_seeds(rows)))


def finish(result: dict[str, Any], text: str, out: Path) -> None:
    """The methods paragraph and run.json."""
    write_whole(out / "methods.md", text)
    facts = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: metadata.version(name) for name in ("torch", "numpy", "safetensors")},
        "model_sha256": {
            folder.name: _sha256(folder / "model.safetensors")
            for folder in sorted((out / "models").iterdir())
        },
    }
    write_whole(out / "run.json", json.dumps(result | facts, indent=2) + "\n")


def over_seeds(rows: Sequence[Row]) -> list[Row]:
    """Mean held-out accuracy and AUROC of each model, with t intervals over its seeds (95 %)."""
    found = []
    for name in dict.fromkeys(row["model"] for row in rows):
        mine = [row for row in rows if row["model"] == name]
        summary: Row = {
            "model": name,
            "start": mine[0]["start"],
            "seeds": len(mine),
            "learned": sum(row["learned"] == "yes" for row in mine),
        }
        for key in ("accuracy", "auroc"):
            values = [row[key] for row in mine]
            summary |= dict(
                zip((key, f"{key}_low", f"{key}_high"), mean_interval(values), strict=True)
            )
        for key in ("steps", "cpu_seconds", "parameters"):
            summary[key] = round(statistics.fmean(row[key] for row in mine), 1)
        found.append(summary)
    return found


def mean_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Mean of shares and its 95 % t interval, cut at 0 and 1; a single value has none."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None
    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def share_interval(k: int, n: int) -> tuple[float, float]:
    """95 % interval of a share, k of n (Clopper and Pearson 1934)."""
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return low, high


def _table(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows
    )
    return text.getvalue()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
