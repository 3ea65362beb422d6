"""Export JASPAR CORE once into the files of this folder; for maintainers only.

Needs pyjaspar, which is no run-time dependency: ``python -m nucel_interp.data.build_jaspar``.
Running it again gives the same bytes with the same versions of pyjaspar, memelite and scipy.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from nucel_interp.io.meme import write_meme
from nucel_interp.match.archetypes import archetypes
from nucel_interp.motifs.pwm import from_counts
from nucel_interp.types import Motif

RELEASE = "JASPAR2026"
STEM = f"{RELEASE}_CORE"
GROUPS = ["vertebrates", "insects", "plants", "fungi", "nematodes", "urochordates", "diatoms"]
COLUMNS = ["matrix_id", "name", "tax_group", "tf_class", "tf_family", "archetype"]


def fetch() -> list[tuple[Motif, dict[str, str]]]:
    """Latest version of every CORE matrix with its table row, by tax group, then id."""
    database = importlib.import_module("pyjaspar").jaspardb(release=RELEASE)
    found: list[Any] = database.fetch_motifs(collection="CORE")
    groups = {entry.tax_group for entry in found}
    if groups != set(GROUPS):
        raise SystemExit(f"{RELEASE} has the tax groups {sorted(groups)}, expected {GROUPS}.")
    found.sort(key=lambda entry: (GROUPS.index(entry.tax_group), entry.matrix_id))
    result = []
    for entry in found:
        counts = np.array([entry.counts[base] for base in "ACGT"], dtype=np.float64)
        motif = Motif(
            id=entry.matrix_id,
            pwm=from_counts(counts, pseudocount=0.0),
            n_sites=max(1, round(counts.sum(axis=0).mean())),
            name=re.sub(r"\s+", "_", entry.name.strip()),
            group=entry.tax_group,
        )
        row = {
            "matrix_id": motif.id,
            "name": motif.name,
            "tax_group": motif.group,
            "tf_class": "; ".join(entry.tf_class or []),
            "tf_family": "; ".join(entry.tf_family or []),
        }
        result.append((motif, row))
    return result


def main() -> None:
    """Write the motif file and its table next to this script."""
    entries = fetch()
    count = 1
    for group in GROUPS:
        members = [(motif, row) for motif, row in entries if motif.group == group]
        names = archetypes([motif for motif, _ in members], count)
        for (_, row), name in zip(members, names, strict=True):
            row["archetype"] = name
        count += len(set(names))
        print(f"{group}: {len(members)} matrices, {len(set(names))} archetypes")
    here = Path(__file__).parent
    text = write_meme(motif for motif, _ in entries)
    # no time stamp inside, or every run would differ
    (here / f"{STEM}.meme.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for _, row in entries)
    (here / f"{STEM}.tsv").write_text(table.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
