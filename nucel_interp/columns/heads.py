"""Columns of what `heads` writes, and of controls.tsv, which four commands write."""

from __future__ import annotations

from nucel_interp.columns.base import HEAD, Columns, interval

CONTROLS: Columns = {
    "motif": ("the motif, or the name of the given sites", ""),
    "model": ("model whose head or score is measured", ""),
    "score": ("`best head`, or the name of a score that is no single head", ""),
    "heads": (
        "head that measures half 1 / half 2 of the sequences; each was chosen on the other half",
        "layer:head",
    ),
    "control_heads": ("the same of the randomly initialised control", "layer:head"),
    "n_sequences": ("sequences with a site", "count"),
    "looked_at": ("verdict of all controls together", "yes, no, cannot tell, not measured"),
    "auroc": (
        "AUROC of the sites' bases against the other bases of the same sequence, mean over "
        "sequences",
        "0..1",
    ),
    "auroc_low": ("lower end of its 95 % interval, for all motifs together", "0..1"),
    "auroc_high": ("upper end of it", "0..1"),
    "beyond_place": (
        "`auroc` less that of other sequences' scores at the same places in the sequence",
        "AUROC",
    ),
    **interval("beyond_place", "AUROC"),
    "beyond_composition": (
        "`beyond_place` less the same at decoys (the motif's columns permuted) whose sites are of "
        "like composition",
        "AUROC",
    ),
    **interval("beyond_composition", "AUROC"),
    "beyond_random_control": (
        "`beyond_composition` less the same of the randomly initialised control with its own best "
        "head",
        "AUROC",
    ),
    **interval("beyond_random_control", "AUROC"),
    "beyond_shuffled_sequence": (
        "`auroc` less that at the same places of dinucleotide-shuffled copies",
        "AUROC",
    ),
    **interval("beyond_shuffled_sequence", "AUROC"),
    "reason": ("why something could not be measured", ""),
}

HEAD_MOTIFS: Columns = {
    "motif_id": ("id of the motif", ""),
    "motif_name": ("name of the motif", ""),
    **HEAD,
    "auroc": (
        "AUROC of the head's attention, bases of the motif's sites against the other bases of "
        "their sequences, mean over sequences",
        "0..1",
    ),
    "auroc_decoys": ("the same at column-permuted motifs, sites of like composition", "0..1"),
    "expected_difference": (
        "mean difference of the two when attention is permuted between sequences",
        "AUROC",
    ),
    "standard_error": ("standard error of the difference, over sequences and decoys", "AUROC"),
    "t": ("difference less the expected difference, over its standard error", ""),
    "p_family": (
        "permutation p over all heads and motifs: share of permutations whose largest t is as "
        "large",
        "0..1",
    ),
    "p_shift": (
        "the same with attention shifted along the sequence, for records over 1 kb",
        "0..1",
    ),
    "discovery_t": ("t on half 1, by which the head is chosen", ""),
    "chosen": ("whether it is the motif's best head on half 1", "true or false"),
    "test_t": ("t of the chosen head on half 2", ""),
    "test_p": ("permutation p of `test_t`, over the chosen heads of all motifs", "0..1"),
    "random_control_t": ("t of the same head of the randomly initialised control", ""),
    "random_control_p_family": (
        "`p_family` of the same head of the randomly initialised control",
        "0..1",
    ),
}

SINKS: Columns = {
    **HEAD,
    "sequences": ("sequences that were read", "count"),
    "sink_sequences": ("of these, with over half of the head's attention on one base", "count"),
    "largest_share": (
        "share of its attention on the base that gets most, mean over sequences",
        "0..1",
    ),
    "cls_share": ("share of its attention on [CLS]", "0..1"),
}

TABLES: dict[str, Columns] = {
    "head_motifs.tsv": HEAD_MOTIFS,
    "controls.tsv": CONTROLS,
    "sinks.tsv": SINKS,
}
"""File name -> columns, of the command `heads`."""
