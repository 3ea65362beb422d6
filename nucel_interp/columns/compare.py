"""Columns of what `compare` writes."""

from __future__ import annotations

from nucel_interp.columns.base import HEAD, Columns, bounds, interval
from nucel_interp.columns.heads import CONTROLS

MODEL: Columns = {"model": ("name of the model, or of its control", "")}
RESOLUTION: Columns = {
    "resolution": (
        "native: the model's own; matched: single bases blurred as six frames of 6-base tokens are",
        "native or matched",
    )
}
LAYERS_USED: Columns = {"layers": ("heads of all layers, or of global layers alone", "all, global")}
DEFINITION: Columns = {
    "definition": (
        "`mean_ratio`: mean inside the sites over mean outside; `z`: difference of the means over "
        "the standard deviation outside; `peak_over_median`: maximum inside over median outside. "
        "Attention is kept to 0.1 %, so z of a network whose attention is that even is rounding",
        "",
    )
}
MOTIF: Columns = {"motif": ("the motif, or the name of the given sites", "")}
HEADS_USED: Columns = {
    "heads": ("best: the head chosen on the other half; mean: the mean over heads", "best or mean")
}
N_SEQUENCES: Columns = {"n_sequences": ("records with a site", "count")}
SNR_VALUE: Columns = {
    "snr": ("signal-to-noise by that definition, median over records", "ratio, or z"),
    **bounds("snr", "ratio, or z"),
    "random": (
        "the same heads at as many random intervals of the same lengths in the same records",
        "ratio, or z",
    ),
}
AUROC: Columns = {
    "auroc": (
        "AUROC of the sites' bases against the other bases of a record, mean over records; head "
        "chosen by it on the other half",
        "0..1",
    ),
    **interval("auroc", "0..1"),
}
DECOYS: Columns = {
    "decoy_auroc": (
        "AUROC of the same head at decoys, median: matrices with the motif's columns permuted, or "
        "random intervals where sites were given",
        "0..1",
    )
}

MODELS: Columns = {
    **MODEL,
    "shape": ("architecture", "NucEL, NT v1 or NT v2"),
    "trained": ("whether it is trained or a randomly initialised control", ""),
    "control_of": ("model whose randomly initialised control it is", ""),
    "layers": ("layers", "count"),
    "heads": ("heads per layer", "count"),
    "parameters": ("parameters of the encoder", "count"),
    "context_bp": ("bases it can read at once", "bp"),
    "token_bp": ("bases of a token", "bp"),
    "best_head_1": ("head of the largest mean ratio over all motifs on half 1", "layer:head"),
    "best_head_2": ("head of the largest mean ratio over all motifs on half 2", "layer:head"),
    "rc_consistency": (
        "Spearman correlation of the two strands' attention, mean over heads",
        "-1..1",
    ),
    "cls_share": ("attention on [CLS], mean over heads", "0..1"),
    "sink_heads": (
        "heads with over half of their attention on one place in some window; a place is as "
        "wide as "
        "one token of the coarsest model spreads, 11 bp if it has 6-base tokens",
        "count",
    ),
    "motifs": ("motifs in the main table of `nucel-interp motifs` on these windows", "count"),
    "archetypes": (
        "JASPAR archetypes that these match; motifs that the sequences are rich in are found "
        "with a "
        "random network too, so alone this says nothing about the model",
        "",
    ),
    "seconds": ("time to read the windows; differs from run to run", "s"),
    "peak_mb": (
        "largest memory of the whole process until then (Linux alone), to compare within one run",
        "MB",
    ),
}

SNR: Columns = {
    **MODEL, **RESOLUTION, **LAYERS_USED, **DEFINITION, **MOTIF, **HEADS_USED, **N_SEQUENCES,
    **SNR_VALUE,
}  # fmt: skip

SHUFFLED: Columns = {
    **SNR,
    "at": (
        "where it was measured in the shuffled copies: at the same places, or at FIMO's sites in "
        "them",
        "",
    ),
}

RECOVERY: Columns = {
    **MODEL,
    **RESOLUTION,
    **MOTIF,
    **AUROC,
    "auprc": (
        "area under the precision-recall curve of the same bases; head chosen by AUROC on the "
        "other "
        "half",
        "0..1",
    ),
    **interval("auprc", "0..1"),
    "base_rate": ("share of site bases: the AUPRC of a useless score", "0..1"),
    **DECOYS,
    **N_SEQUENCES,
}

RECALL: Columns = {
    **MODEL,
    **RESOLUTION,
    **MOTIF,
    "share_of_bases": ("share of the record's bases with most attention that is looked at", "0..1"),
    "recall": ("share of the site bases among those bases", "0..1"),
}

HEAD_SNR: Columns = {
    **MODEL,
    **RESOLUTION,
    **HEAD,
    "snr": ("mean ratio of the head, median over the records of all motifs", "ratio"),
    "chosen_1": ("whether it is the best head on half 1", "true or false"),
    "chosen_2": ("whether it is the best head on half 2", "true or false"),
}

DIFFERENCES: Columns = {
    "model_a": ("a model", ""),
    "model_b": (
        "another model; or its randomly initialised control; or itself on shuffled copies at the "
        "same places",
        "",
    ),
    **RESOLUTION,
    **LAYERS_USED,
    **DEFINITION,
    **MOTIF,
    **HEADS_USED,
    "ratio": ("signal-to-noise of a over that of b, paired over records; none for z", "ratio"),
    **bounds("ratio", "ratio"),
    "difference": ("signal-to-noise of a less that of b, paired over records", ""),
    **interval("difference"),
    **N_SEQUENCES,
}

LAYERS: Columns = {
    **MODEL,
    "layer": ("layer, counted from 0", ""),
    "kind": ("whether the layer attends locally or globally", "local or global"),
    "entropy_bits": ("entropy of a base's attention, mean over heads and windows", "bits"),
    "entropy_share": ("the same over that of uniform attention", "0..1"),
    "cls_share": ("attention on [CLS], mean over heads", "0..1"),
    "mean_distance_bp": ("mean distance from a base to what it attends to", "bp"),
}

DISTANCES: Columns = {
    **MODEL,
    "layer": ("layer, counted from 0", ""),
    "distance_bp": ("start of a bin of distances", "bp"),
    "mass": ("attention at that distance", "0..1"),
    "uniform": ("what uniform attention has at that distance", "0..1"),
}

TRACKS: Columns = {
    "track": ("name of the user's track", ""),
    "values": ("whether its values count as they are or by their sizes", "values or sizes"),
    **DEFINITION,
    **MOTIF,
    **N_SEQUENCES,
    **SNR_VALUE,
    **AUROC,
    **DECOYS,
}

TABLES: dict[str, Columns] = {
    "models.tsv": MODELS,
    "snr.tsv": SNR,
    "recovery.tsv": RECOVERY,
    "recall.tsv": RECALL,
    "layers.tsv": LAYERS,
    "distances.tsv": DISTANCES,
    "heads.tsv": HEAD_SNR,
    "differences.tsv": DIFFERENCES,
    "controls.tsv": CONTROLS,
    "shuffled.tsv": SHUFFLED,
    "cls_row.tsv": SNR,
    "tracks.tsv": TRACKS,
}
"""File name -> columns, of the command `compare`."""
