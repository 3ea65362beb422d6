"""Which score sees the motif that is known to be there, and which only because of its network?

The criterion was fixed before any number was seen. At the sites of the known family (FIMO,
p < 1e-4) a score has the AUROC of the sites' bases against all other bases of the same sequence,
less what the tracks of other sequences have at the same places. Taken off is the same of 20
decoys' sites (the motif's columns in other orders, weighted to as many G + C and CpG), and of that
difference what a randomly initialised network of the same shape and heads has. So 0 is: no more
than composition, place and architecture give. Everything a score chooses (heads) is chosen on one
half of the sequences and measured on the other, both ways. The score with the largest mean over
sets wins if its difference from attention has an interval above 0.

Sets: the development sets of benchmarks.known_answers (GM12878 CTCF peaks, CTCF-bound regions,
splice donors), read with a pre-trained model; and those of ``--tuned NAME=MODEL=FASTA``, read with
models that were fine-tuned to tell such sequences from others. Nothing is read of the judged sets.
Of each set the first ``--sequences`` with a site are read; the others say nothing.

Scores of heads (attention, attention-global, value-norm) are scaled and chosen against one
dinucleotide-shuffled copy, as `motifs` does with several; a score of a single number per base is
scaled by itself, which leaves ranks within a sequence as they are but for the ends.
``substitution`` takes three forward passes per base: the middle ``--middle`` bases of ``--few``
sequences are read, on the given strand. ``influence`` is of the log-odds where there is a
discriminator head, else of the hidden state, and ``influence-embedding`` of that in any case.

A track is kept in the output folder and not made again.

    python -m benchmarks.score_bakeoff --peaks peaks --annotation annotation --fasta chr20.fa.gz \
        --fasta chrX.fa.gz --tuned ctcf=tuned-ctcf/seed0=ctcf.fa -o tracks > score_bakeoff.tsv
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from nucel_interp.controls.distinct import first_of_each
from numpy.typing import NDArray

from benchmarks.known_answers import read_set
from benchmarks.real_sets import SPLICE
from nucel_interp.analysis.prepare import cut_and_split
from nucel_interp.analysis.score_study import both_halves
from nucel_interp.analysis.score_track import score_track
from nucel_interp.controls.beyond import AtQuestions, Question, at_questions, both_ways
from nucel_interp.controls.difference import difference
from nucel_interp.controls.occurrences import find_occurrences
from nucel_interp.io.fasta import read_records
from nucel_interp.io.meme import read_meme
from nucel_interp.match import load_jaspar
from nucel_interp.motifs.scan import Scanner, strand_background
from nucel_interp.score_names import OF_HEADS
from nucel_interp.scoring import score_sequences, shuffle_records
from nucel_interp.scoring.device import load_model
from nucel_interp.scoring.influence import influence
from nucel_interp.scoring.readers import reader_of, with_heads_like
from nucel_interp.scoring.scores import Reader, Strands
from nucel_interp.scoring.substitution import substitution_map
from nucel_interp.scoring.substitution_tables import substitution_range
from nucel_interp.types import Motif, Record
from nucel_model import Nucel, random_control

Track = NDArray[np.float32]
CTCF, DONOR = "MA0139.2", "splice_donor"
MOTIFS = {"ctcf_gm12878": CTCF, "ctcf_bound": CTCF, "donors": DONOR, "ctcf": CTCF, "donor": DONOR}
PARTS = {"ctcf_gm12878": "elsewhere", "ctcf_bound": "seen", "donors": "seen"}
SCORES = (
    "attention", "attention-global", "value-norm", "discriminator", "relevance", "influence",
    "influence-embedding", "substitution",
)  # fmt: skip
FEWER = ("substitution",)
Z = 1.96


@dataclass(frozen=True, eq=False)
class Asked:
    """One set with its model and its sites.

    Attributes:
        name: Name for the table.
        model: Model that is asked, loaded.
        control: Randomly initialised, with heads where the model has some.
        sequences: Sequences, one per record, each within the model's context.
        copy: A shuffled copy of each.
        offsets: (sequences + 1,).
        test: (sequences,) bool.
        question: The family's sites and its decoys'.
    """

    name: str
    model: Nucel
    control: Nucel
    sequences: list[str]
    copy: list[str]
    offsets: NDArray[np.int64]
    test: NDArray[np.bool_]
    question: Question

    @property
    def in_test(self) -> NDArray[np.bool_]:
        """(bases,) bool."""
        return np.repeat(self.test, np.diff(self.offsets))


def ask(name: str, model: Nucel, records: list[Record], seed: int) -> Asked:
    """Cut, split and shuffle a set, and find its sites."""
    units, test, _ = cut_and_split(records, model, seed)
    if len(units) != len(records):
        raise SystemExit(f"{name}: a sequence is longer than {model.config.context_bp} bases")
    sequences = [r.sequence for r in records]
    offsets = np.cumsum([0, *map(len, sequences)]).astype(np.int64)
    known = np.array([c in "ACGT" for s in sequences for c in s])
    used = first_of_each(sequences)
    (found,) = find_occurrences(
        sequences, offsets, known, [motif_of(MOTIFS[name])], used, test, seed
    )
    if found.reason:
        raise SystemExit(f"{name}: {found.reason}")
    return Asked(
        name, model, with_heads_like(random_control(model, seed), model, seed), sequences,
        shuffle_records(records, units, k=2, seed=seed, copy=0), offsets, test,
        both_ways(name, found, test),
    )  # fmt: skip


def with_site(records: list[Record], motif: Motif) -> list[Record]:
    """The records that hold a site."""
    sequences = [r.sequence for r in records]
    found = Scanner(sequences, strand_background(sequences)).scan(motif)
    return [records[i] for i in sorted({site.record for site in found})]


def motif_of(wanted: str) -> Motif:
    """A matrix of JASPAR or of the splice consensus."""
    (motif,) = (m for m in (*load_jaspar().motifs, *read_meme(SPLICE)) if m.id == wanted)
    return motif


def has(model: Nucel, score: str) -> bool:
    """Whether the model gives that score, and no other name is one for the same."""
    return model.discriminator_head is not None or score not in (
        "discriminator", "substitution", "influence-embedding"
    )  # fmt: skip


def track_of(asked: Asked, model: Nucel, score: str, few: int, middle: int) -> Track:
    """(bases,) the score, each half of the sequences as scaled and chosen on the other."""
    if score in FEWER:
        return _of_the_middle(asked, model, few, middle)
    strands: Strands = "both"
    reader: Reader | None = reader_of(score)
    if score == "influence-embedding":
        score, reader = "influence", partial(influence, of="embedding")
    real = score_sequences(model, asked.sequences, strands=strands, also=reader)
    null = real
    if score in OF_HEADS:
        null = score_sequences(model, asked.copy, strands=strands, also=reader)
    halves = [
        score_track(model.config, real, [null], np.repeat(half, np.diff(asked.offsets)), score)[0]
        for half in both_halves(asked.test)
    ]
    return np.where(asked.in_test, *halves)


def _of_the_middle(asked: Asked, model: Nucel, few: int, middle: int) -> Track:
    """Substitution range of a stretch of the first sequences, NaN elsewhere."""
    some = asked.sequences[:few]
    starts = [max(0, (len(s) - middle) // 2) for s in some]
    spans = [(a, min(len(s), a + middle)) for a, s in zip(starts, some, strict=True)]
    maps = substitution_map(model, some, spans=spans, strands="forward")
    track = np.full(asked.offsets[-1], np.nan, dtype=np.float32)
    for at, found in zip(asked.offsets.tolist(), maps, strict=False):
        track[at : at + len(found)] = substitution_range(found)
    return track


def kept(asked: Asked, score: str, args: argparse.Namespace) -> tuple[Track, Track, float]:
    """The model's track, the control's, and the seconds of a processor that the model's took."""
    path = args.out / f"{asked.name}.{score}.npz"
    if not path.exists():
        began = time.process_time()
        own = track_of(asked, asked.model, score, args.few, args.middle)
        seconds = time.process_time() - began
        control = track_of(asked, asked.control, score, args.few, args.middle)
        np.savez(path, own=own, control=control, seconds=seconds)
        print(f"  {asked.name} {score}: {seconds:.0f} s", file=sys.stderr, flush=True)
    with np.load(path) as found:
        return found["own"], found["control"], float(found["seconds"])


@dataclass(frozen=True)
class Estimate:
    """A mean over sequences with its standard error; NaN where nothing was measured."""

    value: float
    se: float

    def columns(self, name: str) -> dict[str, float]:
        """The value and the ends of its 95 % interval."""
        return {
            name: self.value,
            f"{name}_low": self.value - Z * self.se,
            f"{name}_high": self.value + Z * self.se,
        }


Cells = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Of each half, a number for every sequence with a site, and one for each with a decoy's."""


def cells(asked: Asked, track: Track) -> Cells:
    """AUROC beyond place of a track."""
    found: AtQuestions = at_questions(
        [asked.question], track[None], asked.offsets, asked.test, first_of_each(asked.sequences)
    )
    return [(own.beyond_place[0], other.beyond_place[0]) for own, other in found]


def less(a: Cells, b: Cells) -> Cells:
    """Cell by cell."""
    return [(x - u, y - v) for (x, y), (u, v) in zip(a, b, strict=True)]


def against_decoys(asked: Asked, found: Cells) -> Estimate:
    """Mean at the sites less mean at the decoys', both halves together."""
    parts = [
        difference(own[None], other[None], o, where)
        for (o, where), (own, other) in zip(asked.question.parts, found, strict=True)
    ]
    n = np.array([p.n for p in parts], dtype=np.float64)
    value = np.array([p.value[0] for p in parts])
    se = np.array([p.se[0] for p in parts])
    return Estimate(float(value @ n / n.sum()), float(np.sqrt(((se * n) ** 2).sum()) / n.sum()))


def rows_of(asked: Asked, scores: Sequence[str], args: argparse.Namespace) -> list[dict]:
    """One row per score."""
    rows, attention = [], None
    for score in scores:
        if not has(asked.model, score):
            continue
        own, control, seconds = kept(asked, score, args)
        mine, theirs = cells(asked, own), cells(asked, control)
        beyond = less(mine, theirs)
        attention = beyond if score == "attention" else attention
        row = {
            "set": asked.name, "model": asked.model.name, "score": score,
            "sequences": len(asked.sequences),
            "with_site": len(asked.question.parts[0][0].own.first),
            **against_decoys(asked, mine).columns("against_decoys"),
            **against_decoys(asked, beyond).columns("less_control"),
        }  # fmt: skip
        if attention is not None and score != "attention":
            gap = against_decoys(asked, less(beyond, attention))
            row |= gap.columns("less_attention")
        rows.append(row | {"seconds": seconds})
    return rows


def mean_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Per score the mean over all sets, and over each group of sets that another score lacks."""
    groups = {"mean of all": list(dict.fromkeys(frame["set"]))}
    groups["mean of pre-trained"] = [s for s in groups["mean of all"] if s in PARTS]
    out = []
    for name, sets in groups.items():
        for score, some in frame[frame["set"].isin(sets)].groupby("score", sort=False):
            if len(some) < len(sets):
                continue
            row = {"set": name, "score": score, "sequences": some["sequences"].sum()}
            for what in ("against_decoys", "less_control", "less_attention"):
                se = (some[f"{what}_high"] - some[what]) / Z
                joint = float(np.sqrt((se**2).sum())) / len(some)
                row |= Estimate(float(some[what].mean()), joint).columns(what)
            out.append(
                row | {"with_site": some["with_site"].sum(), "seconds": some["seconds"].sum()}
            )
    return pd.DataFrame(out)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peaks", type=Path, required=True)
    parser.add_argument("--annotation", type=Path, required=True)
    parser.add_argument("--fasta", type=Path, action="append", required=True)
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument("--tuned", action="append", default=[], metavar="NAME=MODEL=FASTA")
    parser.add_argument("--score", action="append", choices=SCORES, help="default: all")
    parser.add_argument("-n", "--sequences", type=int, default=100)
    parser.add_argument("--few", type=int, default=60)
    parser.add_argument("--middle", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder of tracks.")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    given = [(name, args.model, None) for name in PARTS]
    given += [tuple(one.split("=")) for one in args.tuned]
    rows = []
    for name, folder, fasta in given:
        if fasta is None:
            records = read_set(
                name, PARTS[name], peaks=args.peaks, annotation=args.annotation, fasta=args.fasta
            )
        else:
            records = read_records(Path(fasta))
        records = with_site(records, motif_of(MOTIFS[name]))[: args.sequences]
        asked = ask(name, load_model(folder), records, args.seed)
        rows += rows_of(asked, args.score or SCORES, args)
    frame = pd.DataFrame(rows)
    table = pd.concat([frame, mean_rows(frame)], ignore_index=True)
    table.to_csv(sys.stdout, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
