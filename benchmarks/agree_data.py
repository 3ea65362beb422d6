r"""Sequences and known sites for `nucel-interp agree`, from the held-out part of suite hg19-mini.

Positives alone: explained is why a fine-tuned model predicts the positive class. Donors and
acceptors are the 9 and 17 bases of the consensus matrices in `splice_consensus.meme` around the
annotated place; of a CTCF window every match of MA0139.2 (FIMO, p < 1e-4), so windows without one
have no site.

    nucel-pretrain benchmark hg19-mini --fasta chr20.fa.gz --fasta chrX.fa.gz \
        --sites-dir annotation --models nucel-mini --pooling mean -o runs/hg19
    python -m benchmarks.agree_data HG19_MINI_FILES donor -n 60 -o donor
    nucel-interp agree donor/donor.fa -m runs/hg19/models/donor/nucel-mini/seed0 \
        --before nucel-mini --sites donor/donor.bed -o donor/agree
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from nucel_interp.match import load_jaspar
from nucel_interp.motifs.scan import Scanner, strand_background

AROUND = {"donor": (3, 6), "acceptor": (15, 2)}
"""Bases before the site's base, and from it on."""
CTCF = "MA0139.2"


def sites_of(task: str, sequences: list[str], places: list[int]) -> list[tuple[int, int, int]]:
    """(sequence, first base, one past the last) of every site that lies whole in its sequence."""
    if task == "ctcf":
        (motif,) = (m for m in load_jaspar("vertebrates").motifs if m.id == CTCF)
        found = Scanner(sequences, strand_background(sequences)).scan(motif)
        return [(s.record, s.start, s.end) for s in found]
    before, after = AROUND[task.removesuffix("_decoy")]
    spans = [(i, at - before, at + after) for i, at in enumerate(places)]
    return [(i, a, b) for i, a, b in spans if a >= 0 and b <= len(sequences[i])]


def main() -> None:
    """Write FASTA and BED."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="Folder of TASK/test.csv, as the suite wrote it.")
    parser.add_argument(
        "task", choices=["donor", "acceptor", "donor_decoy", "acceptor_decoy", "ctcf"]
    )
    parser.add_argument("-n", type=int, default=60, help="Sequences, drawn at random.")
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    with (args.data / args.task / "test.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "1"]
    drawn = np.sort(np.random.default_rng(0).permutation(len(rows))[: args.n])
    rows = [rows[i] for i in drawn.tolist()]
    sequences = [row["sequence"] for row in rows]
    names = [f"{args.task}{i}" for i in drawn.tolist()]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.task}.fa").write_text(
        "".join(f">{n}\n{s}\n" for n, s in zip(names, sequences, strict=True)), encoding="utf-8"
    )
    sites = sites_of(args.task, sequences, [int(row["site"]) for row in rows])
    (args.out / f"{args.task}.bed").write_text(
        "".join(f"{names[i]}\t{a}\t{b}\t{args.task}\n" for i, a, b in sites), encoding="utf-8"
    )
    print(f"{len(rows)} sequences, {len(sites)} sites in {len({i for i, *_ in sites})} of them")


if __name__ == "__main__":
    main()
