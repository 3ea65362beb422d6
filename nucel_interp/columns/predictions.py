"""Columns of what `attribute`, `substitution` and `variants` write."""

from __future__ import annotations

from nucel_interp.columns.base import Columns

_RECORD: Columns = {
    "record": ("name of the record", ""),
    "length": ("bases of the record", "bp"),
}
_PREDICTION = "nats, or the unit of a regression"

ATTRIBUTION: Columns = {
    **_RECORD,
    "prediction": ("the number explained", _PREDICTION),
    "baseline": ("the same number for the baseline", _PREDICTION),
    "delta": (
        "what the bases add up to, less the difference of prediction and baseline",
        _PREDICTION,
    ),
    "steps": ("points on the line from baseline to sequence", "count"),
    "kept": ("no: delta is above the bound, and the track is NaN", "yes or no"),
    "largest_at": ("where the contribution is largest in size, from 0 in the record", "bp"),
    "largest": ("the contribution there", _PREDICTION),
}

SUBSTITUTION: Columns = {
    **_RECORD,
    "bases_read": ("bases that are A, C, G or T", "bp"),
    "own_base_best": (
        "share of bases where none of the other three is more likely the original; 0.25 by chance",
        "0..1",
    ),
    "mean_range": ("range of the log-odds over the four bases, mean over the record", "nats"),
    "largest_range": ("the same range, largest of the record", "nats"),
    "largest_range_at": ("where it is largest, from 0 in the record", "bp"),
}

DEPENDENCY: Columns = {
    "record": ("name of the record", ""),
    "first": ("first base of the pair, from 0 in the record", "bp"),
    "second": ("second base of the pair, from 0 in the record", "bp"),
    "distance": ("second less first", "bp"),
    "dependency": (
        "largest change of the log-odds at one base when the other is substituted, mean of both "
        "directions",
        "nats",
    ),
    "shuffled_mean": ("mean of the same in shuffled copies, pairs as far apart", "nats"),
    "fold": ("`dependency` over `shuffled_mean`", "ratio"),
    "p_pair": ("share of shuffled pairs as far apart that are as strong", "0..1"),
    "p_record": (
        "share of shuffled copies whose strongest pair, by fold, is as strong: over all pairs of a "
        "record. All copies make one null, so records should be about equally long",
        "0..1",
    ),
}

_VARIANT: Columns = {
    "chrom": ("chromosome, as in the VCF file", ""),
    "pos": ("position, as in the VCF file", "from 1"),
    "id": ("id, as in the VCF file", ""),
    "ref": ("reference allele", ""),
    "alt": ("alternative allele", ""),
}

VARIANTS: Columns = {
    **_VARIANT,
    "site_change": (
        "change of the log-odds that the base is a replaced one, at the variant itself, "
        "alternative "
        "less reference; means over the bases of longer alleles; empty for a pure insertion or "
        "deletion",
        "nats",
    ),
    "flank_change": ("sum of the changes at all other bases of the window", "nats"),
    "flank_largest": ("the largest of these changes in size, with its sign", "nats"),
    "flank_largest_pos": ("position of that change", "from 1"),
    "moved": (
        "how far an insertion or deletion was moved to the left before it was read, as `bcftools "
        "norm` does",
        "bp",
    ),
}

CHANGE = (
    "change of what a fine-tuned model predicts for that label, alternative less reference: "
    "log-odds, or the value of a regression",
    _PREDICTION,
)

SKIPPED: Columns = {**_VARIANT, "reason": ("why the allele was not read", "")}

ATTRIBUTE_TABLES: dict[str, Columns] = {"attribution.tsv": ATTRIBUTION}
SUBSTITUTION_TABLES: dict[str, Columns] = {
    "substitution.tsv": SUBSTITUTION,
    "dependency.tsv": DEPENDENCY,
}
VARIANT_TABLES: dict[str, Columns] = {"variants.tsv": VARIANTS, "variants_skipped.tsv": SKIPPED}
