"""Columns of what `agree` writes."""

from __future__ import annotations

from nucel_interp.columns.base import HEAD, Columns, bounds, interval
from nucel_interp.columns.heads import CONTROLS

_CHOSEN = (
    "where the score is attention's best head: the head that measures half 1 / half 2 of the "
    "sequences, each chosen on the other half"
)
_BY_PLACE = (
    "the same with one of the two taken from another sequence of the same length and half: what "
    "ends and middles give by themselves"
)
_N = ("sequences in the mean; equal sequences, on either strand, count once", "count")

AGREE: Columns = {
    "model_a": ("model of the first score", ""),
    "score_a": ("first score; between bars, the size of a signed one", ""),
    "heads_a": (_CHOSEN, "layer:head"),
    "model_b": ("model of the second score", ""),
    "score_b": ("second score; between bars, the size of a signed one", ""),
    "heads_b": (_CHOSEN, "layer:head"),
    "spearman": ("rank correlation over the bases of a sequence, mean over sequences", "-1..1"),
    **bounds("spearman", "-1..1"),
    "expected_by_position": (_BY_PLACE, "-1..1"),
    "excess_over_position": ("`spearman` less `expected_by_position`, sequence by sequence", ""),
    **interval("excess_over_position"),
    "p_permutation": (
        "two-sided permutation p: scores permuted between sequences lie as far from "
        "`expected_by_position`",
        "0..1",
    ),
    "n_sequences": _N,
}

AGREE_SITES: Columns = {
    "model": ("model of the score", ""),
    "score": ("the score; between bars, the size of a signed one", ""),
    "heads": (_CHOSEN, "layer:head"),
    "site": ("column 4 of the BED file of sites", ""),
    "auroc": (
        "AUROC of the sites' bases against the other bases of the same sequence, mean over "
        "sequences",
        "0..1",
    ),
    **bounds("auroc", "0..1"),
    "expected_by_position": (_BY_PLACE + "; 0.5: places say nothing", "0..1"),
    "excess_over_position": ("`auroc` less `expected_by_position`, sequence by sequence", "AUROC"),
    **interval("excess_over_position", "AUROC"),
    "p_permutation": (
        "two-sided permutation p: scores permuted between sequences lie as far from "
        "`expected_by_position`",
        "0..1",
    ),
    "n_sequences": _N,
    "less_random_control": (
        "`auroc` less that of the same score of the randomly initialised control",
        "AUROC",
    ),
    **interval("less_random_control", "AUROC"),
    "less_permuted_labels": (
        "`auroc` less that of the same score of the model fine-tuned on permuted labels",
        "AUROC",
    ),
    **interval("less_permuted_labels", "AUROC"),
}

AGREE_HEADS: Columns = {
    "model": ("model of the head", ""),
    **HEAD,
    "measure": ("what `value` is", "spearman or auroc"),
    "against_model": ("model of what the head is compared with", ""),
    "against": ("score, or site, that the head is compared with", ""),
    "value": (
        "rank correlation with that score, or AUROC of that site's bases; the best of many heads, "
        "picked by eye, is flattered",
        "",
    ),
    **bounds("value"),
    "expected_by_position": (_BY_PLACE, ""),
}

_PREDICTION = "nats, or the unit of a regression"
DELETION: Columns = {
    "model": ("model whose score orders the bases", ""),
    "score": (
        "score that orders the bases; the prediction is always that of the fine-tuned model",
        "",
    ),
    "edit": (
        "delete: the bases that the score ranks highest are replaced (comprehensiveness); keep: "
        "all others are (sufficiency)",
        "delete or keep",
    ),
    "share": ("share of the bases that count as first", "0..1"),
    "prediction": ("prediction, mean over sequences and two draws of what replaces", _PREDICTION),
    **bounds("prediction", _PREDICTION),
    "random": ("prediction when as many bases are taken in random order", _PREDICTION),
    "permuted": (
        "prediction when bases are taken that the score of another sequence ranks highest",
        _PREDICTION,
    ),
    "n_sequences": _N,
}

DELETION_AREA: Columns = {
    "model": ("model whose score orders the bases", ""),
    "score": ("score that orders the bases", ""),
    "edit": ("delete (comprehensiveness) or keep (sufficiency)", "delete or keep"),
    "area": (
        "how far deletion takes the prediction below that of random bases, or keeping leaves it "
        "above, mean over shares up to a fifth; above 0 is faithful",
        _PREDICTION,
    ),
    **bounds("area", _PREDICTION),
    "excess_over_permuted": (
        "`area` less that of other sequences' scores, whose high values stand together and lie "
        "where this score's do",
        _PREDICTION,
    ),
    **interval("excess_over_permuted", _PREDICTION),
    "n_sequences": _N,
}

TABLES: dict[str, Columns] = {
    "agree.tsv": AGREE,
    "agree_heads.tsv": AGREE_HEADS,
    "agree_sites.tsv": AGREE_SITES,
    "controls.tsv": CONTROLS,
    "faithfulness.tsv": DELETION,
    "faithfulness_area.tsv": DELETION_AREA,
}
"""File name -> columns, of the command `agree`."""
