"""A methods paragraph with this run's numbers, for a paper."""

from __future__ import annotations

from typing import Any


def methods_paragraph(facts: dict[str, Any], run: dict[str, Any]) -> str:
    """What was done, in the words and with the numbers a reviewer asks for."""
    versions = run.get("versions") or {}
    score = (
        "A user-supplied track was used as the score."
        if facts["score"] == "track"
        else _model_score(facts)
    )
    reached = (
        f"the false discovery rate was {facts['seqlet_fdr']:.3f}"
        if facts["seqlet_fdr_reached"]
        else "no threshold reached a false discovery rate of 0.05, so the best five per kb were taken"
    )
    return (
        f"{facts['n_records']:,} sequences ({facts['n_bases']:,} bases) were analysed with nucel-interp "
        f"{versions.get('nucel-interp', '')}. {score} Each sequence was compared with "
        f"{facts['shuffled_copies']} dinucleotide-preserving shuffled copies of itself. Sequences were split "
        f"{facts['split_rule']} into a discovery half ({facts['n_discovery']:,}) and a test half "
        f"({facts['n_test']:,}). Seqlets (21 bp around maxima of the 11-bp mean score) were called against the "
        f"shuffled copies; {reached}. Motifs were built from the discovery half's seqlets, seeded by "
        "over-represented 6- to 8-mers, and tested on the other half: a test sequence is a hit if the middle base "
        "of a FIMO site (p < 1e-4) lies in a seqlet; hits were compared with those of the sequence's own shuffled "
        "copies by an exact one-sided sign test, conditional on the number of hits among a sequence and its "
        "copies, and adjusted by Benjamini and Hochberg over all discovered motifs (held-out q < 0.01). "
        "Enrichment was tested alike with sites anywhere, also against trinucleotide-preserving shuffles "
        "(q < 0.05). attention_fold is the share of site bases inside seqlets over the share of all test bases "
        "inside seqlets, with a 95% bootstrap interval over sequences. Motifs were compared with "
        f"{facts['database']} ({facts['n_targets']:,} matrices) by Tomtom (memelite "
        f"{versions.get('memelite', '')}); E = p x matrices, q over all motif and matrix pairs. The same pipeline "
        f"on shuffled input gave {facts['shuffled_input_motifs']} motifs. Seed {facts['seed']}."
    )


def _model_score(facts: dict[str, Any]) -> str:
    strands = "both strands" if facts["strand"] == "both" else "the forward strand"
    if facts["score"] == "discriminator":
        return (
            f"The score was the discriminator's log-odds of {facts['model']}, sign turned, over {strands}, as z "
            "against shuffled copies at the same distance from the sequence's end."
        )
    heads = (
        "all global heads"
        if facts["score"] == "attention-global"
        else f"the {facts['n_heads_chosen']} heads that most often exceeded their 99th percentile on shuffled "
        "copies, chosen on the discovery half"
    )
    return (
        f"The score was the attention each base receives in {facts['model']} (over {strands}, relative to "
        "uniform attention in the same mask), smoothed over 3 bp, as z against shuffled copies at the same "
        f"distance from the sequence's end, averaged over {heads}."
    )
