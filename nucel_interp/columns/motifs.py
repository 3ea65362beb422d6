"""Columns of what `motifs`, `seqlets`, `kmers`, `match` and `calibrate` write."""

from __future__ import annotations

from nucel_interp.columns.base import HEAD, Columns
from nucel_interp.columns.heads import CONTROLS

MOTIFS: Columns = {
    "motif_id": ("name within this run", ""),
    "consensus": ("IUPAC consensus", ""),
    "width": ("columns of the matrix", "bp"),
    "information_bits": ("information content of the matrix", "bits"),
    "found_by": (
        "what it was built from: intervals of high score, sequence alone, or both",
        "score, sequence, both",
    ),
    "variant_of": (
        "better-ranked motif on whose sites more than half of its own lie; empty if there is none",
        "",
    ),
    "n_seqlets": ("seqlets it was built from; of `sequence` its occurrences", "count"),
    "low_complexity": (
        "share of them with at most 2 bits of dinucleotide entropy",
        "0..1",
    ),
    "soft_masked": (
        "share of them that are lower case in the file; empty if it makes no use of case",
        "0..1",
    ),
    "halves_found": ("in how many halves it was found anew", "0..2"),
    "halves_passed": ("how many of these motifs pass the test on the other half", "0..2"),
    "best_match": ("JASPAR profile most like it", ""),
    "archetype": ("the group of similar JASPAR profiles that one belongs to", ""),
    "identity": ("what it may be called: a family, a tract, or what it resembles", ""),
    "E_value": ("expected number of equally good matches by chance", "count"),
    "q_global": ("false discovery rate over all motif and profile pairs", "0..1"),
    "test_sequences": ("sequences it was tested on", "count"),
    "n_sites": ("sites (FIMO p < 1e-4) in all sequences, both halves", "count"),
    "hits": ("test sequences with a site whose middle base lies in a seqlet", "count"),
    "hits_shuffled": ("the same count for shuffled copies, mean per sequence, summed", "count"),
    "hits_p": (
        "sign test of these counts, each test sequence against its own shuffled copies, "
        "one-sided; the smaller of two doubled",
        "0..1",
    ),
    "hits_q": (
        "the better half's p, before doubling, as false discovery rate over the motifs of "
        "both halves",
        "0..1",
    ),
    "enrichment_p": (
        "the same sign test with sites anywhere, whatever the score; the main table is in its "
        "order",
        "0..1",
    ),
    "enrichment_q": ("false discovery rate of `enrichment_p`, as of `hits_p`", "0..1"),
    "enrichment_3mer_p": ("as `enrichment_p`, against copies that keep 3-mer counts", "0..1"),
    "enrichment_3mer_q": ("false discovery rate of `enrichment_3mer_p`", "0..1"),
    "found_in": ("share of test sequences with a site", "0..1"),
    "found_in_shuffled": ("share of shuffled copies with a site", "0..1"),
    "centre_distance": ("median distance of its best site from the middle of the sequence", "bp"),
    "centre_p": ("probability of sites as near to the middle, were their places uniform", "0..1"),
    "plus_share": ("share of its best sites on the strand as given", "0..1"),
    "strand_p": ("exact binomial test of that against one half, two-sided", "0..1"),
    "looked_at": (
        "whether the model looks at it, beyond every control",
        "yes, no, cannot tell, not measured",
    ),
    "best_head": (
        "head that measures half 1 / half 2, each chosen on the other half; one where they agree",
        "layer:head",
    ),
    "head_auroc": (
        "AUROC of the site's bases against the other bases of the same sequences, of that head "
        "(of the track, where one is given)",
        "0..1",
    ),
    "head_auroc_low": (
        "lower end of its 95 % interval, corrected for the number of motifs",
        "0..1",
    ),
    "head_auroc_high": ("upper end", "0..1"),
    "head_fold": (
        "attention that the sites' bases receive from that head over what the other bases of the "
        "same sequences receive",
        "ratio",
    ),
    "head_fold_low": ("lower end of its 95 % interval, corrected alike", "ratio"),
    "head_fold_high": ("upper end", "ratio"),
    "random_control_head_fold": (
        "the same of the randomly initialised control, its own head chosen in the same way",
        "ratio",
    ),
    "random_control_head_fold_low": ("lower end of its 95 % interval", "ratio"),
    "random_control_head_fold_high": ("upper end", "ratio"),
    "attention_fold": (
        "share of site bases inside seqlets over the share of all bases inside seqlets",
        "ratio",
    ),
    "attention_fold_low": ("lower end of its 95 % interval, bootstrap over sequences", "ratio"),
    "attention_fold_high": ("upper end of its 95 % interval", "ratio"),
    "random_control_fold": ("`attention_fold` of the randomly initialised control", "ratio"),
    "random_control_fold_low": ("lower end of its 95 % interval", "ratio"),
    "random_control_fold_high": ("upper end", "ratio"),
    "other_offsets_fold": ("`attention_fold` with the seqlets of another sequence", "ratio"),
    "uniform_fold": ("`attention_fold` with seqlets placed at random", "ratio"),
}

UNTESTED: Columns = {
    **MOTIFS,
    "reason": ("why the motif is not in the main table", ""),
}

DNABERT: Columns = {
    "dnabert_string": ("string that the script's p is of", ""),
    "dnabert_p": (
        "the script's own p: hypergeometric, sequences with the string among those given and "
        "one shuffled copy of each; tested on the sequences it was chosen from",
        "0..1",
    ),
    "dnabert_q": ("Benjamini-Hochberg over all strings the script tested", "0..1"),
}
"""Both tables of motifs have these last with ``--method dnabert``."""

MATCHES: Columns = {
    "Query_ID": ("our motif", ""),
    "Target_ID": ("JASPAR matrix", ""),
    "Optimal_offset": ("shift of the best alignment", "bp"),
    "p-value": ("chance of an equally good alignment", "0..1"),
    "E-value": ("the p-value times the number of targets", "count"),
    "q-value": ("false discovery rate within this query", "0..1"),
    "Overlap": ("aligned columns", "bp"),
    "Query_consensus": ("consensus of our motif", ""),
    "Target_consensus": ("consensus of the JASPAR matrix", ""),
    "Orientation": ("strand on which they align", "+ or -"),
    "Target_name": ("name of the factor", ""),
    "Target_group": ("JASPAR tax group", ""),
    "archetype": ("group of similar JASPAR profiles", ""),
    "archetype_members": ("the profiles in it", ""),
    "q_global": ("false discovery rate over all pairs of all motifs", "0..1"),
    "Query_ends": (
        "columns at the ends of ours with under 0.25 bits each, left out of the comparison; "
        "offset and overlap count them",
        "bp",
    ),
    "Target_ends": ("the same of the target", "bp"),
}

KMERS: Columns = {
    "kmer": ("the k-mer; a gap is spelled with N", ""),
    "reverse_complement": ("the k-mer on the other strand", ""),
    "gap": ("bases between its two halves, 0 for a plain word", "bp"),
    "halves_found": ("in how many halves it was chosen; 0 where nothing is tested", "0..2"),
    "mean_score": ("mean score of its letters, over the test sequences that hold it", "score"),
    "score_elsewhere": ("mean score of the same sequences' other bases", "score"),
    "discovery_sequences": (
        "sequences of the half that chose it that carry it at a high-scoring place",
        "count",
    ),
    "discovery_shuffled": ("the same count in shuffled copies", "count"),
    "discovery_p": ("sign test on that half, by which it was chosen", "0..1"),
    "test_sequences": ("sequences of the other half that carry it so", "count"),
    "test_shuffled": ("the same count in shuffled copies", "count"),
    "test_p": ("sign test on the other half", "0..1"),
    "test_q": ("false discovery rate over the chosen k-mers", "0..1"),
    "test_by_chance": (
        "sequences expected to have it at a high-scoring place if places were random",
        "count",
    ),
    "contrast_p": ("high score against low: exact test of `test_sequences` against that", "0..1"),
    "contrast_q": ("false discovery rate of `contrast_p`", "0..1"),
    "motif_id": ("motif whose sites hold over half of its places, if any", ""),
}

HEADS: Columns = {
    **HEAD,
    "chosen": ("whether it is part of the score of either half", "true or false"),
    "chosen_in": ("by which half it was chosen, to score the other", "1, 2 or both"),
    "exceedance": (
        "share of real bases above the 99th percentile of shuffled ones, half 1; 0.01 by chance",
        "0..1",
    ),
    "exceedance_test": (
        "share of real bases above the 99th percentile of shuffled ones, half 2",
        "0..1",
    ),
    "rc_consistency": ("Spearman correlation between the two strands", "-1..1"),
    "cls_share": ("attention that goes to [CLS]", "0..1"),
    "n_share": ("attention that goes to N", "0..1"),
    "entropy_bits": ("mean entropy of its attention rows", "bits"),
}

SITES: Columns = {
    "chrom": ("chromosome if all records have coordinates, else the record's name", ""),
    "start": ("first base", "0-based"),
    "end": ("base after the last", "0-based"),
    "name": ("motif", ""),
    "score": ("for display: -100 log10 of p, cut to the range", "0..1000"),
    "strand": ("strand of the motif, in the genome or else in the record", ""),
    "p_value": ("FIMO's p of the site", "0..1"),
    "record": ("name of the record", ""),
    "in_seqlet": ("whether the site's middle base lies in a seqlet", "1 or 0"),
    "half": ("the half of the sequences it lies in; `.` if there are too few to split", "1 or 2"),
}

SEQLETS: Columns = {
    "chrom": ("chromosome if all records have coordinates, else the record's name", ""),
    "start": ("first base", "0-based"),
    "end": ("base after the last", "0-based"),
    "name": ("seqlet", ""),
    "score": ("for display: 100 times z, cut to the range", "0..1000"),
    "strand": ("always `.`: a seqlet has no strand", ""),
    "z": ("mean score of the seqlet against shuffled copies", "z"),
    "p_value": ("empirical p of the seqlet against shuffled copies", "0..1"),
    "q_value": ("false discovery rate of the seqlet", "0..1"),
    "record": ("name of the record", ""),
    "half": ("the half of the sequences it lies in; `.` if there are too few to split", "1 or 2"),
    "low_complexity": ("at most 2 bits of dinucleotide entropy", "1 or 0"),
    "soft_masked": ("over half of it is lower case in the file", "1 or 0"),
}

INTERVENTION: Columns = {
    "input": ("the sequences, or their shuffled copies", "given or shuffled copy"),
    "unit": ("number of the sequence, or of the piece of a long one, from 0", ""),
    "seqlet_start": ("first base of the seqlet", "0-based"),
    "seqlet_end": ("base after the last of the seqlet", "0-based"),
    "control_start": ("first base of the control interval", "0-based"),
    "control_end": ("base after the last of the control interval", "0-based"),
    "changed_bases": ("bases that each shuffle changed", "bp"),
    "seqlet_score": ("mean score of the seqlet", "z"),
    "control_score": ("mean score of the control interval", "z"),
    "seqlet_gc": ("share of G and C in the seqlet", "0..1"),
    "control_gc": ("share of G and C in the control interval", "0..1"),
    "seqlet_entropy_bits": ("dinucleotide entropy of the seqlet", "bits"),
    "control_entropy_bits": ("dinucleotide entropy of the control interval", "bits"),
    "seqlet_edge_bp": ("distance of the seqlet from the nearer end of the sequence", "bp"),
    "control_edge_bp": (
        "distance of the control interval from the nearer end of the sequence",
        "bp",
    ),
    "seqlet_discriminator": (
        "mean absolute change of the discriminator's log-odds elsewhere when the seqlet is "
        "shuffled",
        "nats",
    ),
    "control_discriminator": (
        "mean absolute change of the discriminator's log-odds elsewhere when the control "
        "interval is shuffled",
        "nats",
    ),
    "seqlet_embedding": (
        "length of the change of the embedding elsewhere over its own length when the seqlet "
        "is shuffled",
        "ratio",
    ),
    "control_embedding": (
        "length of the change of the embedding elsewhere over its own length when the control "
        "interval is shuffled",
        "ratio",
    ),
    "seqlet_random_control_discriminator": (
        "as `seqlet_discriminator`, in the randomly initialised control",
        "nats",
    ),
    "control_random_control_discriminator": (
        "as `control_discriminator`, in the randomly initialised control",
        "nats",
    ),
    "seqlet_random_control_embedding": (
        "as `seqlet_embedding`, in the randomly initialised control",
        "ratio",
    ),
    "control_random_control_embedding": (
        "as `control_embedding`, in the randomly initialised control",
        "ratio",
    ),
}

EXCESS: Columns = {
    "measure": ("output whose change is compared", "discriminator or embedding"),
    "ratio": (
        "effect of shuffling a seqlet over that of its control interval, in the sequences "
        "over that "
        "in shuffled copies, of the model over that of the randomly initialised control",
        "ratio",
    ),
    "low": ("lower end of the 95 % interval of `ratio`, both measures together", "ratio"),
    "high": ("upper end of it", "ratio"),
    "n_given": ("sequences it rests on", "count"),
    "n_shuffled": ("shuffled copies it rests on", "count"),
}

CALIBRATION: Columns = {
    "run": ("number of the shuffled input", ""),
    "seqlets": ("seqlets called in it", "count"),
    "seqlet_fdr": ("false discovery rate of the seqlets, as estimated", "0..1"),
    "candidates": ("motifs found", "count"),
    "motifs": ("of these, in the main table: all false", "count"),
    "names_E": ("different JASPAR names with E < 0.05", "count"),
    "names_q_global": ("different JASPAR names with q_global < 0.05", "count"),
    "names_p": ("different JASPAR names with p < 0.001", "count"),
}

HEAD_SITES: Columns = {
    "motif_id": ("motif of the main table", ""),
    **HEAD,
    "auroc": (
        "AUROC of the bases of its held-out sites against the other bases of the same sequences",
        "0..1",
    ),
    "random_control_auroc": ("the same of this head of the randomly initialised control", "0..1"),
}

TABLES: dict[str, Columns] = {
    "motifs.tsv": {**MOTIFS, **DNABERT},
    "motifs_untested.tsv": {**UNTESTED, **DNABERT},
    "matches.tsv": MATCHES,
    "kmers.tsv": KMERS,
    "heads.tsv": HEADS,
    "controls.tsv": CONTROLS,
    "head_sites.tsv": HEAD_SITES,
    "intervention.tsv": INTERVENTION,
    "intervention_excess.tsv": EXCESS,
    "sites.bed": SITES,
    "seqlets.bed": SEQLETS,
}
"""File name -> columns, of the command `motifs`."""
