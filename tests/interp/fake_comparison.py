"""A comparison made by hand: known numbers for figures and page, no model behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nucel_interp.compare.models.result import Comparison, Locus
from nucel_interp.types import CONTROL_COLUMNS, Motif, Record
from tests.interp.fake_result import pwm_of
from tests.toy import dna

CONTROL = ", randomly initialised"


def model_table(names, layers=4, heads=4, with_controls=True):
    rows = []
    for i, name in enumerate(names):
        shape = "NucEL" if i % 2 == 0 else "NT v2"
        for of in ("", name) if with_controls else ("",):
            rows.append(
                {
                    "model": name + (CONTROL if of else ""), "shape": shape,
                    "trained": "no" if of else "yes", "control_of": of,
                    "layers": layers, "heads": heads, "parameters": 1_234_567,
                    "context_bp": 255, "token_bp": 1 if shape == "NucEL" else 6,
                    "best_head_1": "2:1", "best_head_2": "3:0", "rc_consistency": 0.8,
                    "cls_share": 0.12, "sink_heads": 1, "motifs": 3 if not of else np.nan,
                    "archetypes": "CTCF" if not of else "", "seconds": 3.5, "peak_mb": 410.0,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def per_motif(models, motifs, value):
    """Rows of snr, recovery and recall; ``value`` is the SNR of (model number, motif number)."""
    snr, recovery, recall = [], [], []
    for i, row in enumerate(models.to_dict("records")):
        trained = row["trained"] == "yes"
        for j, motif in enumerate(motifs):
            ratio = value(i // 2, j) if trained else 1.02
            for resolution in ("native", "matched"):
                here = ratio if resolution == "native" else 1 + 0.7 * (ratio - 1)
                for layers in ("all", "global"):
                    for definition, shown in (
                        ("mean_ratio", here), ("z", here - 1), ("peak_over_median", 3 * here)
                    ):  # fmt: skip
                        for heads, part in (("best", shown), ("mean", 0.5 * (shown + 1))):
                            snr.append(
                                [row["model"], resolution, layers, definition, motif, heads, 120,
                                 part, part - 0.1, part + 0.12,
                                 1.01 if definition == "mean_ratio" else 0.03]
                            )  # fmt: skip
                auroc = 0.5 + 0.25 * (here - 1)
                recovery.append(
                    [row["model"], resolution, motif, auroc, auroc - 0.02, auroc + 0.02,
                     0.1, 0.08, 0.13, 0.05, 0.51, 120]
                )  # fmt: skip
                x = np.linspace(0, 1, 51)
                for share, found in zip(x, x ** (1 / (2 * auroc)), strict=True):
                    recall.append([row["model"], resolution, motif, share, found])
    return (
        pd.DataFrame(
            snr,
            columns=["model", "resolution", "layers", "definition", "motif", "heads",
                     "n_sequences", "snr", "low", "high", "random"],
        ),
        pd.DataFrame(
            recovery,
            columns=["model", "resolution", "motif", "auroc", "auroc_low", "auroc_high", "auprc",
                     "auprc_low", "auprc_high", "base_rate", "decoy_auroc", "n_sequences"],
        ),
        pd.DataFrame(
            recall, columns=["model", "resolution", "motif", "share_of_bases", "recall"]
        ),
    )  # fmt: skip


def per_layer(models):
    """Rows of layers, distances and heads."""
    layers, distances, heads = [], [], []
    for i, row in enumerate(models.to_dict("records")):
        for layer in range(row["layers"]):
            kind = "local" if row["shape"] == "NucEL" and layer % 3 else "global"
            layers.append([row["model"], layer, kind, 5.0, 0.7 - 0.1 * layer, 0.1, 40 + layer])
            for start in (0, 1, 2, 4, 8, 16, 32, 64, 128):
                if kind == "local" and start > 64:
                    continue
                fold = 2.0 if start < 8 and layer == 0 else 1.0
                distances.append([row["model"], layer, start, 0.1 * fold, 0.1])
            for head in range(row["heads"]):
                value = 1 + 0.1 * (head - 1) * (row["trained"] == "yes") + 0.05 * (i == 0)
                for resolution in ("native", "matched"):
                    heads.append(
                        [row["model"], resolution, layer, head, kind,
                         value + 0.05 * (resolution == "native"),
                         (layer, head) == (2, 1), (layer, head) == (3, 0)]
                    )  # fmt: skip
    return (
        pd.DataFrame(
            layers,
            columns=["model", "layer", "kind", "entropy_bits", "entropy_share", "cls_share",
                     "mean_distance_bp"],
        ),
        pd.DataFrame(distances, columns=["model", "layer", "distance_bp", "mass", "uniform"]),
        pd.DataFrame(
            heads,
            columns=["model", "resolution", "layer", "head", "kind", "snr", "chosen_1",
                     "chosen_2"],
        ),
    )  # fmt: skip


def differences_of(snr, models):
    """Ratios of every pair of models, from the fake's own signal-to-noise."""
    rows = []
    names = list(models["model"])
    best = snr[(snr["definition"] == "mean_ratio") & (snr["heads"] == "best")]
    keys = ["resolution", "layers", "motif"]
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            pair = best[best["model"] == a].merge(best[best["model"] == b], on=keys)
            for row in pair.to_dict("records"):
                ratio = row["snr_x"] / row["snr_y"]
                rows.append(
                    [a, b, row["resolution"], row["layers"], "mean_ratio", row["motif"], "best",
                     ratio, ratio - 0.1, ratio + 0.1, 120]
                )  # fmt: skip
    for row in best[
        best["model"].isin(models.loc[models["trained"] == "yes", "model"])
    ].itertuples():
        rows.append(
            [row.model, f"{row.model}, shuffled input", row.resolution, row.layers, "mean_ratio",
             row.motif, "best", row.snr / 1.05, row.snr / 1.05 - 0.1, row.snr / 1.05 + 0.1, 120]
        )  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["model_a", "model_b", "resolution", "layers", "definition", "motif", "heads",
                 "ratio", "low", "high", "n_sequences"],
    )  # fmt: skip


def controls_of(models, motifs):
    """Every trained model looks at every motif."""
    rows = [
        {"motif": motif, "model": name, "score": "best head", "heads": "2:1", "n_sequences": 120,
         "looked_at": "yes", "auroc": 0.7, "auroc_low": 0.66, "auroc_high": 0.74,
         "beyond_place": 0.2, "beyond_place_low": 0.15, "beyond_place_high": 0.25, "reason": ""}
        for name in models.loc[models["trained"] == "yes", "model"]
        for motif in motifs
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=CONTROL_COLUMNS)


SUMMARY = {
    "window_bp": 252, "n_records": 120, "n_sequences": 122, "n_with_site": 120,
    "n_sites": 141,
    "sites_from": "FIMO, p < 1e-4", "motif_choice": "given with --motifs", "rule": "density",
    "frames": 6, "strand": "both", "seed": 0, "split_rule": "by chromosome", "n_bootstrap": 1000,
    "decoys": "20 column-permuted matrices", "n_half_1": 61, "n_half_2": 59,
}  # fmt: skip


def fake_comparison(names=("mini", "nt-small"), motifs=("CTCF",), value=None, **shape):
    """A whole result; ``value(model number, motif number)`` is the native signal-to-noise."""
    value = value or (lambda i, j: (1.8, 1.3, 1.1, 1.5, 1.2)[(i + j) % 5])
    models = model_table(list(names), **shape)
    snr, recovery, recall = per_motif(models, list(motifs), value)
    layers, distances, heads = per_layer(models)
    rng = np.random.default_rng(0)
    loci = []
    for start in (100, 500):
        record = Record(f"chr1:{start}-{start + 252}", dna(252, rng))
        rows = [
            [record.name, record.name, 100, 115, motifs[0], "+"],
            [record.name, record.name, 140, 155, motifs[-1], "-"],
        ]
        sites = pd.DataFrame(rows, columns=["record", "chrom", "start", "end", "name", "strand"])
        native = {name: rng.gamma(3, 1 / 3, 252).astype("f4") for name in models["model"]}
        matched = {
            name: np.convolve(track, np.ones(11) / 11, "same").astype("f4")
            for name, track in native.items()
        }
        loci.append(Locus(record, sites, native, matched, dict.fromkeys(native, "2:1")))
    return Comparison(
        models=models, snr=snr, recovery=recovery, recall=recall, layers=layers,
        distances=distances, heads=heads, differences=differences_of(snr, models),
        motifs={name: Motif(name, pwm_of("CCACTAGGGGGCGCT")) for name in motifs},
        controls=controls_of(models, motifs), loci=loci,
        summary=dict(SUMMARY), warnings=["a warning"],
    )  # fmt: skip
