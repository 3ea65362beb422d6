"""A made-up result that looks like a real one, to draw on. Nothing in it was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from nucel_interp.api.find_motifs import MotifResult
from nucel_interp.api.result import Run
from nucel_interp.types import (
    BASES,
    CONTROL_COLUMNS,
    HEAD_COLUMNS,
    HEAD_SITE_COLUMNS,
    KMER_COLUMNS,
    MATCH_COLUMNS,
    MOTIF_COLUMNS,
    SEQLET_COLUMNS,
    SITE_COLUMNS,
    UNTESTED_COLUMNS,
    Location,
    Motif,
    Record,
    reverse_complement,
)
from tests.toy import dna

LENGTH = 200
CTCF = "CCACTAGGGGGCGCT"
AP1 = "ATGACTCAT"
NASTY = "motif<script>alert(1)</script>"


def pwm_of(word: str, sure: float = 0.97, seed: int = 0) -> np.ndarray:
    """Columns that prefer the letters of ``word``, some more than others."""
    rng = np.random.default_rng([seed, len(word)])
    pwm = np.empty((4, len(word)))
    for i, base in enumerate(word):
        p = np.clip(sure - rng.exponential(0.08), 0.4, 0.98)
        pwm[:, i] = (1 - p) / 3
        pwm[BASES.index(base), i] = p
    return pwm


def motifs_and_targets() -> tuple[dict[str, Motif], dict[str, Motif]]:
    flank = np.full((4, 2), 0.25)
    ctcf, ap1 = pwm_of(CTCF), pwm_of(AP1, seed=1)
    pwms = {
        "motif_1": Motif("motif_1", ctcf, n_sites=41),
        "motif_2": Motif("motif_2", ap1[::-1, ::-1].copy(), n_sites=12),
        NASTY: Motif(NASTY, pwm_of("AAAAAATAAA", 0.7), n_sites=9),
        "motif_4": Motif("motif_4", pwm_of("GCGCGC", 0.6), n_sites=5),
    }
    targets = {
        "MA0139.2": Motif(
            "MA0139.2",
            np.hstack([flank, pwm_of(CTCF, 0.93, 3), flank]),
            name="CTCF",
            group="vertebrates",
        ),
        "MA1141.2": Motif("MA1141.2", pwm_of("G" + AP1 + "C", 0.95, 4), name="FOS::JUND"),
    }
    return pwms, targets


def _records(n: int, rng: np.random.Generator) -> tuple[list[Record], list[int]]:
    records, places = [], []
    for i in range(n):
        letters = rng.choice(list(BASES), LENGTH)
        at = int(np.clip(rng.normal(LENGTH / 2, 18), 5, LENGTH - 30))
        letters[at : at + len(CTCF)] = list(CTCF if i % 2 == 0 else reverse_complement(CTCF))
        if i % 3 == 0:
            other = (at + 60) % (LENGTH - 20)
            letters[other : other + len(AP1)] = list(AP1)
        if i == 3:
            letters[120:131] = "N"
        start = 1_000_000 * (i + 1)
        place = Location(f"chr{i % 5 + 1}", start, start + LENGTH) if i % 4 else None
        name = f"peak_{i}" if place is None else f"{place.chromosome}:{start}-{start + LENGTH}"
        if i == 4:
            name = "peak <script>alert('x')</script> $5 & more"
        records.append(Record(name, "".join(letters), place))
        places.append(at)
    return records, places


def _row(record: Record, start: int, end: int) -> tuple[str, int, int]:
    if record.location is None:
        return record.name, start, end
    return record.location.chromosome, record.location.start + start, record.location.start + end


def fake_result(n: int = 60, seed: int = 7) -> MotifResult:
    rng = np.random.default_rng(seed)
    records, places = _records(n, rng)
    pwms, targets = motifs_and_targets()
    tracks, replaced, sites, seqlets = [], [], [], []
    for i, (record, at) in enumerate(zip(records, places, strict=True)):
        score = np.convolve(rng.normal(0, 1, LENGTH + 2), np.ones(3) / 3, "valid")
        score[at : at + len(CTCF)] += rng.uniform(1.0, 4.0)
        log_odds = rng.normal(-4, 1.2, LENGTH)
        missing = np.array([base not in BASES for base in record.sequence])
        score[missing] = np.nan
        log_odds[missing] = np.nan
        tracks.append(score.astype(np.float32))
        replaced.append(log_odds.astype(np.float32))
        half = "1" if i % 2 else "2"
        called = rng.random() < 0.75
        spans = [(at - 3, at + 13)] if called else []
        spans.append((int(rng.integers(0, LENGTH - 12)),) * 2)
        spans[-1] = (spans[-1][0], spans[-1][0] + 12)
        for k, (a, b) in enumerate(spans):
            chrom, start, end = _row(record, a, b)
            z = float(np.nan_to_num(np.nanmax(score[a:b])))
            name = f"seqlet_{i}_{k}"
            seqlets.append(
                (chrom, start, end, name, 500, ".", z, 10**-z, 0.02, record.name, half, 0, 0)
            )
        chrom, start, end = _row(record, at, at + len(CTCF))
        strand = "+" if i % 2 == 0 else "-"
        sites.append((chrom, start, end, "motif_1", 800, strand, 3e-7, record.name, called, half))
        if i % 3 == 0:
            other = (at + 60) % (LENGTH - 20)
            chrom, start, end = _row(record, other, other + len(AP1))
            sites.append((chrom, start, end, "motif_2", 600, "-", 4e-5, record.name, False, half))
    return MotifResult(
        records=records,
        motifs=_motif_table(),
        untested=_untested_table(),
        matches=_matches(),
        kmers=_kmers(rng),
        heads=_heads(rng),
        sites=pd.DataFrame(sites, columns=SITE_COLUMNS),
        controls=pd.DataFrame(columns=CONTROL_COLUMNS),
        head_sites=_head_sites(),
        seqlets=pd.DataFrame(seqlets, columns=SEQLET_COLUMNS),
        pwms=pwms,
        targets=targets,
        track=np.concatenate(tracks),
        replaced_logit=np.concatenate(replaced),
        intervention=None,
        source=None,
        run=Run("find_motifs"),
        summary=_summary(n, len(seqlets)),
        warnings=["3 records share a sequence with another; they stay in the same half."],
    )


def _head_sites() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        [motif, layer, head, "global" if layer % 3 == 0 else "local", *rng.uniform(0.4, 0.8, 2)]
        for motif in ("motif_1", "motif_2")
        for layer in range(6)
        for head in range(4)
    ]
    return pd.DataFrame(rows, columns=HEAD_SITE_COLUMNS)


def _motif_table() -> pd.DataFrame:
    rows = [
        ["motif_1", CTCF, 15, 19.7312, "both", "", 41, 0.0, 0.1, 2, 2, "MA0139.2 CTCF", "CTCF",
         "CTCF family: MA0139.2 CTCF, E = 1.2e-8", 1.23e-8,
         3.4e-8, 30, 33, 26, 3.25, 1.1e-7, 3.3e-7, 2e-9, 6e-9, 4e-8, 1.2e-7, 0.9667, 0.1,
         6.5, 1e-9, 0.55, 0.4, "yes", "2:0", 0.81, 0.78, 0.84, 4.2, 3.1, 5.3, 1.1, 0.9, 1.3,
         5.6321, 4.1, 7.32, 1.13, 0.82, 1.49, 1.42, 1.01],
        ["motif_2", AP1, 9, 11.02, "score", "", 12, 0.0, 0.0, 2, 1, "MA1141.2 FOS::JUND", "AP-1",
         "AP-1 family: MA1141.2 FOS::JUND, E = 2.1e-4", 2.1e-4,
         8.4e-3, 30, 10, 9, 2, 0.0021, 0.0032, 3e-3, 4e-3, 0.01, 0.02, 0.3333, 0.0667,
         31.0, 0.4, 0.5, 1.0, "no", "1:3/2:2", 0.5, 0.46, 0.53, 1.02, 0.9, 1.1,
         1.0, 0.9, 1.1, 0.78, 0.31, 1.6, 0.95, 0.4, 1.7, 0.9, 1.0],
        [NASTY, "AAAAAATAAA", 10, 6.4, "sequence", "motif_1", 9, 1.0, 0.5, 1, 1, "", "",
         "a run of A",
         np.nan, np.nan,
         30, 25, 12, 4, 0.004, 0.004, 0.03, 0.03, 0.04, 0.04, 0.4, 0.2,
         40.0, 0.5, 0.4, 0.3, "cannot tell", "0:1", 0.53, 0.47, 0.59, 1.1, 0.9, 1.3,
         np.nan, np.nan, np.nan, 1.4, 0.9, 2.2,
         np.nan, np.nan, np.nan, 1.2, 1.0],
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=MOTIF_COLUMNS)


def _untested_table() -> pd.DataFrame:
    row = dict.fromkeys(UNTESTED_COLUMNS, np.nan)
    row |= {"motif_id": "motif_4", "consensus": "GCGCGC", "width": 6, "information_bits": 4.1,
            "n_seqlets": 5, "best_match": "", "archetype": "", "enrichment_q": 0.41,
            "attention_fold": 1.05, "attention_fold_low": 0.7, "attention_fold_high": 1.6,
            "hits": 4, "hits_shuffled": 3.5, "found_in": 0.2, "found_in_shuffled": 0.18,
            "reason": "enrichment_q 0.41, not below 0.01"}  # fmt: skip
    return pd.DataFrame([row], columns=UNTESTED_COLUMNS).astype({"width": int, "n_seqlets": int})


def _matches() -> pd.DataFrame:
    rows = [
        ["motif_1", "MA0139.2", 2, 1e-11, 1.23e-8, 2e-8, 15, CTCF, "NN" + CTCF + "NN", "+",
         "CTCF", "vertebrates", "CTCF", "MA0139.2,MA1929.2", 3.4e-8, 0, 0],
        ["motif_2", "MA1141.2", 1, 2e-7, 2.1e-4, 4e-4, 9, reverse_complement(AP1),
         reverse_complement("G" + AP1 + "C"), "-", "FOS::JUND", "vertebrates", "AP-1",
         "MA0099.4,MA1141.2", 8.4e-3, 0, 0],
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=MATCH_COLUMNS)


def _kmers(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for i in range(24):
        word, gap = dna(6, rng), 7 * (i % 3 == 2)
        word = word[:3] + gap * "N" + word[3:]
        rows.append([word, reverse_complement(word), gap, 1 + i % 2,
                     rng.uniform(1, 3), rng.uniform(0, 1),
                     20 - i // 2, 3, min(1e-6 * 3**i, 1), 18 - i // 2, 4, min(1e-5 * 3**i, 1),
                     min(1e-4 * 2**i, 1), 5.25, min(1e-5 * 3**i, 1), min(1e-4 * 2**i, 1),
                     "motif_1" if i < 5 else ""])  # fmt: skip
    return pd.DataFrame(rows, columns=KMER_COLUMNS)


def _heads(rng: np.random.Generator, layers: int = 6, heads: int = 8) -> pd.DataFrame:
    rows = []
    for layer in range(layers):
        for head in range(heads):
            rows.append([layer, head, "global" if layer % 3 == 0 else "local", False, "",
                         rng.beta(2, 60), rng.beta(2, 60), rng.uniform(0.2, 0.95),
                         rng.uniform(0, 0.4), 0.0, rng.uniform(2, 6)])  # fmt: skip
    frame = pd.DataFrame(rows, columns=HEAD_COLUMNS)
    frame.loc[frame["exceedance"].nlargest(5).index, ["chosen", "chosen_in"]] = True, "1,2"
    return frame


def _summary(n: int, n_seqlets: int) -> dict[str, object]:
    return {
        "answer": "The model looks at CTCF (MA0139.2, E = 1.2e-8): its sites are 5.6 times as "
        "often inside high-attention intervals as other bases (95 % interval 4.1 to 7.3), "
        "against 1.1 in a randomly initialised model.",
        "n_records": n, "n_bases": n * LENGTH, "n_units": n, "min_units": 40,
        "n_discovery": n // 2, "n_test": n - n // 2,
        "split_rule": "by chromosome", "method": "cluster", "cluster_stability": 0.83,
        "score": "attention", "strand": "both",
        "model": "nucel-mini", "model_sha256": "9f2c" * 16, "n_heads_chosen": 5,
        "seqlet_threshold_1": 1.7312345, "seqlet_fdr_1": 0.0312, "seqlet_threshold_2": 1.81,
        "seqlet_fdr_2": 0.0298, "seqlet_fdr": 0.0312, "seqlet_fdr_reached": True,
        "n_seqlets": n_seqlets, "n_motifs": 3, "n_untested": 1, "database": "JASPAR CORE 2026",
        "n_targets": 1019, "shuffled_copies": 9, "shuffled_input_motifs": 0,
        "shuffled_input_seqlets": 4, "scanner": "FIMO (pymemesuite)", "backend": "profile",
        "seed": 0, "seconds": 74.31234, "looked_at": [], "score_looked_at": [],
        "top_motif": "motif_1",
        "top_match": "CTCF", "top_E": 1.23e-8,
    }  # fmt: skip


def empty_result() -> MotifResult:
    """No motif passed; the rest is there."""
    full = fake_result()
    summary = full.summary | {
        "answer": "No motif passed the held-out test: attention singles out none of them.",
        "n_motifs": 0, "n_untested": 1, "seqlet_fdr_reached": False, "seqlet_fdr": 0.31,
        "top_motif": None, "top_match": None, "top_E": None,
    }  # fmt: skip
    return replace(
        full,
        motifs=full.motifs.iloc[:0],
        summary=summary,
        warnings=["The score does not tell these sequences from shuffled ones."],
    )


def bare_result() -> MotifResult:
    """One short record, a user's track, nothing called at all."""
    full = fake_result(1)
    return replace(
        full,
        motifs=full.motifs.iloc[:0],
        untested=full.untested.iloc[:0],
        matches=full.matches.iloc[:0],
        kmers=full.kmers.iloc[:0],
        heads=full.heads.iloc[:0],
        sites=full.sites.iloc[:0],
        seqlets=full.seqlets.iloc[:0],
        pwms={},
        targets={},
        replaced_logit=None,
        summary={"answer": "No motifs: 1 sequence, 40 needed.", "n_records": 1},
        warnings=[],
    )


RUN = {
    "command": ["nucel-interp", "motifs", "peaks.fa", "-o", "out"],
    "finished": "2026-01-01T00:00:00+00:00",
    "inputs": [{"path": "peaks.fa", "sha256": "ab" * 32}],
    "seed": 0,
    "model": "nucel-mini",
    "model_sha256": {"model.safetensors": "9f2c" * 16, "config.json": "77aa" * 16},
    "backend": "profile",
    "backend_reason": "reductions are asked for, no map is kept",
    "seconds": 74.31,
    "versions": {"nucel-interp": "0.1.0", "torch": "2.13.0", "numpy": "2.3.0"},
    "python": "3.11.9",
    "platform": "Linux",
    "cpu_count": 2,
}
