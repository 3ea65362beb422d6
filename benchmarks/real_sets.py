"""On real sets with a known answer: is the right motif found, and does the model look at it?

One set and one method a run; each run leaves a JSON file in the output folder and is not repeated
while that file is there. ``--table`` reads them all and prints the table.

Methods: ``attention`` (the default score), ``attention-global``, ``discriminator``;
``random-weights``, the whole pipeline with a model of the same shape that has learned nothing;
``kmer``, enrichment in the sequence without any model; ``modisco``, modisco-lite on discriminator
substitution scores of the middle 100 bp of 60 sequences (``--modisco-sequences``), on one strand,
whose patterns come without a held-out test (``--modisco-python``: see benchmarks.modisco_lite). For
sets and families see benchmarks.known_answers.

Beside what is found stands what chance gives: the share of all targets that would count, the share
of 20 column-shuffled decoys of the motif in question that would, and the motifs in the main table
when a shuffled copy is the input.

    python -m benchmarks.real_sets --set oct4 --method attention --peaks peaks \
        --annotation annotation --fasta chr20.fa.gz --fasta chrX.fa.gz -o real_sets
    python -m benchmarks.real_sets --table -o real_sets
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.known_answers import SETS, Family, KnownSet, read_set, true_site
from benchmarks.modisco_lite import contributions, modisco_motifs
from nucel_interp.api.find_motifs import MotifResult, find_motifs
from nucel_interp.io.meme import read_meme
from nucel_interp.match import JasparDatabase, load_jaspar, match_table
from nucel_interp.motifs.pwm import consensus
from nucel_interp.types import Motif, Record
from nucel_model import Nucel, from_pretrained, random_control

METHODS = ("attention", "attention-global", "discriminator", "random-weights", "kmer", "modisco")
SPLICE = Path(__file__).with_name("splice_consensus.meme")
MAX_E = 0.05
DECOYS = 20
FOLDS = [
    "attention_fold", "attention_fold_low", "attention_fold_high",
    "random_control_fold", "random_control_fold_low", "random_control_fold_high",
    "other_offsets_fold", "uniform_fold", "found_in", "found_in_shuffled",
]  # fmt: skip
SHOWN = [
    "consensus", "n_seqlets", "enrichment_q", "enrichment_3mer_q", *FOLDS
]  # fmt: skip


def targets(tax: str) -> JasparDatabase:
    """JASPAR with the splice consensus, so that a splice site competes with all factors."""
    database, splice = load_jaspar(tax), read_meme(SPLICE)
    return replace(
        database,
        motifs=(*database.motifs, *splice),
        archetypes=database.archetypes | {m.id: m.id for m in splice},
        members=database.members | {m.id: (m.id,) for m in splice},
        families=database.families | {m.id: "" for m in splice},
    )


def family_of(
    motifs: list[Motif], database: JasparDatabase, families: tuple[Family, ...]
) -> list[tuple[str, float, str]]:
    """Per motif: its best match's name, E, and the family it belongs to ("" if to none)."""
    matches = match_table(motifs, database)
    accepted = [(f.name, f.accepted(database)) for f in families]
    rows = {}
    for row in matches.drop_duplicates("Query_ID").to_dict("records"):
        target, name, e = row["Target_ID"], row["Target_name"], row["E-value"]
        hit = (family for family, ids in accepted if target in ids)
        rows[row["Query_ID"]] = (f"{target} {name}", e, next(hit, "") if e < MAX_E else "")
    return [rows.get(m.id, ("", np.nan, "")) for m in motifs]


def decoys(motif: Motif) -> list[Motif]:
    """The same columns in other orders."""
    rng = np.random.default_rng(0)
    return [Motif(f"decoy_{i}", motif.pwm[:, rng.permutation(motif.width)]) for i in range(DECOYS)]


def run(
    records: list[Record], one: KnownSet, method: str, model: Nucel, args: argparse.Namespace
) -> tuple[list[Motif], list[dict[str, Any]], dict[str, Any]]:
    """Motifs in table order, what is known of each, and facts of the whole run."""
    if method == "modisco":
        if args.modisco_python is None:
            raise SystemExit("--method modisco needs --modisco-python")
        cache = args.out / f"{args.set}.{args.part}.contributions.npz"
        say = say_progress("bases with all four letters")
        scores = contributions(model, records, args.modisco_sequences, cache, say)
        motifs = modisco_motifs(args.modisco_python, *scores)
        rows = [{"consensus": consensus(m.pwm), "n_seqlets": m.n_sites} for m in motifs]
        return motifs, rows, {"n_sequences": len(scores[0]), "candidates": len(motifs)}
    options: dict[str, Any] = {"seed": args.seed, "tax": one.tax}
    if method == "kmer":
        if "method" not in inspect.signature(find_motifs).parameters:
            raise SystemExit("find_motifs has no method='kmer' here")
        options["method"] = "kmer"
    elif method != "random-weights":
        options["score"] = method
    used = random_control(model, args.seed) if method == "random-weights" else model
    result = find_motifs(records, used, on_progress=say_stages(), **options)
    rows = result.motifs.to_dict("records")
    facts = {
        "n_sequences": len(records),
        "seqlets": len(result.seqlets),
        "seqlet_fdr": result.summary.get("seqlet_fdr"),
        "low_complexity_seqlets": _share(result.seqlets, "low_complexity"),
        "candidates": len(result.motifs) + len(result.untested),
        "shuffled_input_motifs": result.summary.get("shuffled_input_motifs"),
    }
    tags = _tags(result)
    for motif_id, places in at_true_site(result).items():
        tags[motif_id] = tags.get(motif_id, {}) | places
    # without a score every base is looked at alike, and a fold says nothing
    kept = [k for k in SHOWN if method != "kmer" or "fold" not in k]
    shown = [{**{k: r.get(k) for k in kept}, **tags.get(r["motif_id"], {})} for r in rows]
    return [result.pwms[r["motif_id"]] for r in rows], shown, facts


def _share(table: pd.DataFrame, column: str) -> float:
    return float(table[column].mean()) if column in table and len(table) else float("nan")


def at_true_site(result: MotifResult) -> dict[str, dict[str, float]]:
    """Per motif, the share of its sites that cover the annotated site, and that share by chance.

    A poly-T stretch of a repeat may look like an acceptor; it does not lie where acceptors do.
    """
    records = {r.name: r for r in result.records}
    out: dict[str, dict[str, float]] = {}
    for motif_id, sites in result.sites.groupby("name", sort=False):
        covers, chance = [], []
        for name, start, end in zip(sites["record"], sites["start"], sites["end"], strict=True):
            record = records[name]
            at = true_site(record)
            if at is None or record.location is None:
                continue
            first, last = record.location.within(start, end)
            covers.append(first <= at < last)
            chance.append((end - start) / len(record))
        if covers:
            out[str(motif_id)] = {
                "at_true_site": float(np.mean(covers)),
                "at_true_site_chance": float(np.mean(chance)),
            }
    return out


def _tags(result: MotifResult) -> dict[str, dict[str, float]]:
    """Per motif, the share of its sites whose seqlet is tagged; sites outside seqlets left out."""
    if "low_complexity" not in result.seqlets or not len(result.sites):
        return {}
    out: dict[str, dict[str, float]] = {}
    by_record = {(c, r): g for (c, r), g in result.seqlets.groupby(["chrom", "record"], sort=False)}
    inside = result.sites[result.sites["in_seqlet"] == 1]
    for motif_id, sites in inside.groupby("name", sort=False):
        simple = []
        for site in sites.itertuples():
            near = by_record[site.chrom, site.record]
            middle = (site.start + site.end) // 2
            own = near[(near["start"] <= middle) & (middle < near["end"])]
            simple.append(bool(own["low_complexity"].max()))
        out[str(motif_id)] = {"low_complexity_sites": float(np.mean(simple))}
    return out


def judge(
    motifs: list[Motif], rows: list[dict[str, Any]], one: KnownSet, database: JasparDatabase
) -> dict[str, Any]:
    """Ranks of the right answers, and the numbers of the best-ranked one (else of the first)."""
    named = family_of(motifs, database, one.families)
    for row, (best, e, family) in zip(rows, named, strict=True):
        row |= {"best_match": best, "E_value": e, "family": family}
    found = [row["family"] for row in rows]
    ranks = {f.name: found.index(f.name) + 1 for f in one.families if f.name in found}
    out: dict[str, Any] = {"motifs": len(motifs), "families": len(one.families), "ranks": ranks}
    for k in (1, 3, 10):
        out[f"any_in_{k}"] = any(rank <= k for rank in ranks.values())
        out[f"families_in_{k}"] = sum(rank <= k for rank in ranks.values())
    accepted = frozenset[str]().union(*(f.accepted(database) for f in one.families))
    out["chance_targets"] = len(accepted) / len(database)
    if motifs:
        at = min(ranks.values()) - 1 if ranks else 0
        out["first"] = {k: rows[0][k] for k in ("consensus", "best_match", "E_value", "family")}
        out["judged"] = {"rank": at + 1, **rows[at]}
        shuffled = family_of(decoys(motifs[at]), database, one.families)
        out["chance_decoys"] = float(np.mean([family != "" for _, _, family in shuffled]))
    return out


def say_stages() -> Callable[[int, int, str], None]:
    """A line when a stage ends."""

    def on_progress(done: int, total: int, stage: str) -> None:
        if done == total:
            print(f"  {stage}", file=sys.stderr, flush=True)

    return on_progress


def say_progress(what: str) -> Callable[[int], None]:
    """A line every thousand."""
    done = 0

    def step(n: int) -> None:
        nonlocal done
        if done // 1000 < (done + n) // 1000:
            print(f"  {done + n} {what}", file=sys.stderr, flush=True)
        done += n

    return step


def table(folder: Path) -> pd.DataFrame:
    """One row a run, in the order of sets, parts and methods."""
    rows = []
    order = {name: i for i, name in enumerate(SETS)}
    runs = [json.loads(p.read_text()) for p in folder.glob("*.json")]
    parts = {(n, p): i for n, s in SETS.items() for i, p in enumerate(s.parts)}
    for r in sorted(
        runs,
        key=lambda r: (
            order[r["set"]],
            parts[r["set"], r["part"]],
            METHODS.index(r["method"]),
            r["seed"],
        ),
    ):
        first, judged = r.get("first", {}), r.get("judged", {})
        rows.append(
            {
                "set": r["set"], "role": r["role"], "part": r["part"], "method": r["method"],
                "seed": r["seed"], "sequences": r["n_sequences"],
                "seqlets": r.get("seqlets"), "seqlet_fdr": r.get("seqlet_fdr"),
                "motifs": r["motifs"], "candidates": r["candidates"],
                "motifs_shuffled_input": r.get("shuffled_input_motifs"),
                "first": first.get("consensus"), "first_match": first.get("best_match"),
                "first_E": first.get("E_value"),
                "first_in_family": None if not r["families"] else bool(first.get("family")),
                **{
                    f"recall_{k}": f"{r[f'families_in_{k}']}/{r['families']}" for k in (1, 3, 10)
                },
                "ranks": " ".join(f"{k}:{v}" for k, v in r["ranks"].items()),
                "judged_rank": judged.get("rank"),
                **{k: judged.get(k) for k in FOLDS},
                **{
                    k: judged.get(k)
                    for k in ("low_complexity_sites", "at_true_site", "at_true_site_chance")
                },
                "chance_targets": r["chance_targets"], "chance_decoys": r.get("chance_decoys"),
                "seconds": r["seconds"],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def markdown(frame: pd.DataFrame) -> str:
    """The columns a reader needs first."""
    lines = [
        "| set (part) | method | first motif, its match, E | in family | recall at 1, 3, 10 "
        "| attention fold (95 %) | random control | other offsets, uniform | found in (shuffled) "
        "| main table, shuffled input | CPU seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]

    def number(value: Any, form: str = ".2f") -> str:
        return "" if value is None or value != value else format(value, form)

    for r in frame.to_dict("records"):
        first = f"{r['first']}, {r['first_match']}, {number(r['first_E'], '.1e')}"
        span = f"{number(r['attention_fold_low'])} to {number(r['attention_fold_high'])}"
        fold = number(r["attention_fold"])
        found = number(r["found_in"], ".0%")
        in_family = r["first_in_family"]
        cells = [
            f"{r['set']} ({r['part']}, {r['sequences']})",
            r["method"],
            first if r["motifs"] else "none",
            "" if in_family is None else "yes" if in_family else "no",
            "" if in_family is None else f"{r['recall_1']}, {r['recall_3']}, {r['recall_10']}",
            f"{fold} ({span})" if fold else "",
            number(r["random_control_fold"]),
            f"{number(r['other_offsets_fold'])}, {number(r['uniform_fold'])}" if fold else "",
            f"{found} ({number(r['found_in_shuffled'], '.0%')})" if found else "",
            f"{r['motifs']}, {number(r['motifs_shuffled_input'], '.0f') or '-'}",
            number(r["seconds"], ".0f"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run one cell, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=SETS)
    parser.add_argument("--part", help="default: the one that counts for the set")
    parser.add_argument("--method", choices=METHODS, default="attention")
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="read fewer windows, to try the script")
    parser.add_argument("--peaks", type=Path)
    parser.add_argument("--annotation", type=Path)
    parser.add_argument("--fasta", type=Path, action="append", default=[])
    parser.add_argument("--modisco-python", type=Path)
    parser.add_argument("--modisco-sequences", type=int, default=60)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        frame = table(args.out)
        frame.to_csv(args.out / "real_sets.tsv", sep="\t", index=False, float_format="%.4g")
        print(markdown(frame))
        return
    if None in (args.set, args.peaks, args.annotation):
        parser.error("a run needs --set, --peaks and --annotation (or give --table)")
    one = SETS[args.set]
    args.part = args.part or one.parts[0]
    if args.part not in one.parts:
        parser.error(f"{args.set} has the parts {', '.join(one.parts)}")
    path = args.out / f"{args.set}.{args.part}.{args.method}.{args.seed}.json"
    if path.exists():
        print(f"{path} is there already", file=sys.stderr)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    records = read_set(
        args.set, args.part, peaks=args.peaks, annotation=args.annotation, fasta=args.fasta
    )[: args.limit]
    if not records:
        raise SystemExit(f"no window in {args.set}, part {args.part}: is --fasta given?")
    started = time.process_time()  # of the processor: the machine may be busy
    motifs, rows, facts = run(records, one, args.method, from_pretrained(args.model), args)
    seconds = time.process_time() - started
    found = {
        "set": args.set, "part": args.part, "role": one.role, "method": args.method,
        "seed": args.seed, "model": args.model, "seconds": round(seconds, 1), **facts,
        **judge(motifs, rows, one, targets(one.tax)), "table": rows,
    }  # fmt: skip
    path.write_text(json.dumps(found, indent=1, default=float) + "\n")
    print(markdown(table(args.out).query("set == @args.set and method == @args.method")))


if __name__ == "__main__":
    main()
