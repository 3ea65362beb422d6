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
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from nucel_interp.io.meme import write_meme
from nucel_interp.motifs.pwm import from_counts
from nucel_interp.motifs.similarity import tomtom
from nucel_interp.types import Motif

RELEASE = "JASPAR2026"
STEM = f"{RELEASE}_CORE"
GROUPS = ["vertebrates", "insects", "plants", "fungi", "nematodes", "urochordates", "diatoms"]
COLUMNS = ["matrix_id", "name", "tax_group", "tf_class", "tf_family", "archetype"]
CUT = 0.7
# -log10 p beyond which more similar means nothing: without a cap a matrix's comparison with itself
# (1e-25 to 1e-130, by width) outweighs its relatives, and the three CTCF matrices fall apart
CAP = 15.0


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


def archetypes(motifs: list[Motif], first: int) -> list[str]:
    """An archetype per motif, numbered from ``first`` and named after its most central member.

    Complete linkage on the correlation distance between rows of -log10 Tomtom p, capped at 15, cut
    at 0.7: the recipe of Vierstra et al. (Nature 2020, 583:729) with p in place of E. The central
    member is the one whose row correlates best, on average, with those of all members.
    """
    if len(motifs) == 1:
        return [f"A{first:03d}_{motifs[0].name}"]
    profile = -np.log10(np.maximum(tomtom(motifs, motifs).p, 10**-CAP))
    distance = pdist(profile, metric="correlation")
    numbers = fcluster(linkage(distance, method="complete"), CUT, criterion="distance")
    square = squareform(distance)
    names: dict[int, str] = {}
    for number in numbers.tolist():  # numbered by first member
        if number not in names:
            members = np.flatnonzero(numbers == number)
            centre = members[np.argmin(square[np.ix_(members, members)].sum(axis=1))]
            names[number] = f"A{first + len(names):03d}_{motifs[centre].name}"
    return [names[number] for number in numbers.tolist()]


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
