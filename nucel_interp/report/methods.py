"""A methods paragraph with this run's numbers, for a paper."""

from __future__ import annotations

from typing import Any

from nucel_interp.analysis.held_out import ENRICHMENT_3MER_Q, ENRICHMENT_Q
from nucel_interp.analysis.rivals import SAME_MOTIF
from nucel_interp.controls.beyond import EFFECT
from nucel_interp.match.naming import NAMED_E, NAMED_Q
from nucel_interp.motifs.refine import STRICT
from nucel_interp.report.phrasing import Facts, number
from nucel_interp.score_names import INFLUENCE, RELEVANCE, VALUE_NORM, is_head

_AUROC = "the AUROC of its held-out sites' bases against the other bases of the same sequences"


def methods_paragraph(summary: dict[str, Any], run: dict[str, Any]) -> str:
    """What was done, in the words and with the numbers a reviewer asks for.

    Args:
        summary: `MotifAnalysis.summary`; what it lacks becomes a dash.
        run: The content of run.json.
    """
    facts, versions = Facts(summary), Facts(run.get("versions") or {})
    shown = _Shown(facts)
    sentences = [
        f"{shown['n_records']} sequences ({shown['n_bases']} bases) were analysed with "
        f"nucel-interp {number(versions['nucel-interp'])}.",
        *_score(facts),
        "Too few sequences were given for a test half: every motif is untested."
        if facts["n_test"] == 0
        else f"Sequences were split {shown['split_rule']} into two halves "
        f"({shown['n_discovery']} and {shown['n_test']}); everything was fitted on each and tested "
        "on the other.",
        *_seqlets(facts),
        *_motifs(facts),
        "A motif is reported if more held-out sequences hold a site of it (FIMO, p < 1e-4) than "
        "their own shuffled copies do, by an exact one-sided sign test, conditional on the number "
        "with a site among a sequence and its copies, and adjusted by Benjamini and Hochberg over "
        f"the motifs of both halves (q < {ENRICHMENT_Q}), and likewise against trinucleotide-"
        f"preserving shuffles (q < {ENRICHMENT_3MER_Q}). Motifs stand in the order of the first "
        "test. Equal sequences, on either strand, counted once.",
        *_looked_at(facts),
        f"A motif is named after a family of matrices at E <= {NAMED_E} and q <= {NAMED_Q}.",
        f"Motifs were compared with {shown['database']} ({shown['n_targets']} matrices) by "
        f"Tomtom (memelite {versions['memelite'] or ''}); E = p x matrices, q over all motif and "
        "matrix pairs.",
        f"The same pipeline on shuffled input gave {shown['shuffled_input_motifs']} motifs.",
        f"Seed {shown['seed']}.",
    ]
    return " ".join(sentences)


_OF_OUTPUTS = {
    RELEVANCE: "the relevance of each base by layer-wise propagation (AttnLRP, Achtibat et al. "
    "2024)",
    INFLUENCE: "the length of the change that another letter at a base makes to the output of all "
    "other bases, to first order, estimated from backward passes (influence)",
}


class _Shown:
    """Facts as words."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def __getitem__(self, key: str) -> str:
        return number(self.facts[key])


def _score(facts: Facts) -> list[str]:
    shown = _Shown(facts)
    if facts["score"] == "none":
        return ["No model was read."]
    if facts["score"] == "cls-row":
        return [f"The score was the [CLS] row of the last layer of {shown['model']}."]
    if facts["score"] == "track":
        return [
            "The score was a track given by the user, read against a null track or, without one, "
            "against itself permuted within each sequence.",
        ]
    strands = "both strands" if facts["strand"] == "both" else "the forward strand"
    null = (
        f"Each sequence was compared with {shown['shuffled_copies']} dinucleotide-preserving "
        "shuffled copies of itself."
    )
    z = "as z against shuffled copies at the same distance from the sequence's end"
    if facts["score"] == "discriminator":
        return [
            f"The score was the discriminator's log-odds of {shown['model']}, sign turned, over "
            f"{strands}, {z}.",
            null,
        ]
    if (what := _OF_OUTPUTS.get(str(facts["score"]))) is not None:
        return [f"The score was {what} of {shown['model']}, over {strands}, {z}.", null]
    if is_head(str(facts["score"])):
        return [
            f"The score was the attention each base receives from head {shown['score']} (layer, "
            f"head, from 0) of {shown['model']} (over {strands}, relative to uniform attention in "
            f"the same mask), smoothed over 3 bp, {z}; that head was named by the user.",
            *_tokens(facts),
            null,
        ]
    heads = (
        "all global heads"
        if facts["score"] == "attention-global"
        else f"the {shown['n_heads_chosen']} heads that most often exceeded their 99th percentile "
        "on shuffled copies, chosen in either half for the other"
    )
    weighted = (
        ", weighted by the norm of the value behind the output projection (Kobayashi et al. 2020)"
        if facts["score"] == VALUE_NORM
        else ""
    )
    return [
        f"The score was the attention each base receives in {shown['model']} (over {strands}, "
        f"relative to uniform attention in the same mask{weighted}), smoothed over 3 bp, {z}, "
        f"averaged over {heads}.",
        *_tokens(facts),
        null,
    ]


def _tokens(facts: Facts) -> list[str]:
    width = facts["token_bp"] or 1
    if width == 1:
        return []
    return [
        f"The model reads tokens of {width} bases; each base was given its token's attention over "
        "uniform attention, in one reading frame of each strand, so the score is no finer than a "
        "token."
    ]


def _seqlets(facts: Facts) -> list[str]:
    if facts["method"] == "kmer":
        return []
    return [
        "Seqlets (21 bp around maxima of the 11-bp mean score) were called against the same score "
        f"of the null; {_threshold(facts)}."
    ]


def _motifs(facts: Facts) -> list[str]:
    words = (
        "Motifs were grown from 6- to 8-mers over-represented against shuffled copies, wherever "
        "they lay"
    )
    clusters = (
        "by clustering seqlets: nearest neighbours by gapped 4-mers, Leiden "
        "communities and over-represented 6- to 8-mers as starts, then rounds in which seqlets, "
        "scored without their own contribution and by how far from a seqlet's middle all motifs' "
        "sites tended to lie, went to the likeliest motif, each with a threshold "
        f"at which at most {STRICT.share:.0%} of its seqlets (or {number(STRICT.at_least)}) were "
        "expected from shuffled sequence."
    )
    if facts["method"] == "kmer":
        return [f"{words}: no score was looked at, and whole sequences took the place of seqlets."]
    if facts["method"] == "dnabert":
        return ["Motifs were found by the method of DNABERT's script on the same score."]
    if facts["method"] == "both":
        return [
            f"Motifs came from two sources. Where the score is high they were built {clusters}",
            f"From the sequences alone: {words[0].lower()}{words[1:]}. Of motifs of the two "
            f"sources with a similarity of at least {SAME_MOTIF}, the one stayed that was more "
            "enriched in the sequences that gave it.",
        ]
    return [f"Motifs were built {clusters}"]


def _looked_at(facts: Facts) -> list[str]:
    """What the score, and the heads, have at the motifs."""
    if facts["score"] == "none":
        return []
    controls = (
        "the tracks of other sequences at the same places, sites of column-permuted decoys "
        "weighted to the same composition"
    )
    rule = (
        f"A model is said to look at a motif if {_AUROC} is at least {0.5 + EFFECT:.2f}, and at "
        f"least {EFFECT} of it is left beyond each of four controls, with intervals above 0: "
        f"{controls}, a randomly initialised network, and dinucleotide-shuffled copies; not to, if "
        "the interval of what is left beyond one of them, or of the AUROC above 0.5, lies below "
        f"{EFFECT}; otherwise it cannot be told. Heads were chosen on one half and measured on the "
        "other."
    )
    if facts["score"] == "track":
        rule = (
            f"The track is said to be high on a motif if the interval of {_AUROC} lies above 0.5, "
            f"and at least {EFFECT} of it is left beyond each control that a track has, with "
            f"intervals above 0: {controls}, and shuffled copies where the null track has them."
        )
    return [
        f"{rule} Intervals hold for all motifs together (Bonferroni).",
        "Where the score is high, the same sign test compared sites whose middle base lies in a "
        "seqlet (hits); attention_fold is the share of site bases inside seqlets over the share of "
        "all test bases inside seqlets, with a 95% bootstrap interval over sequences.",
    ]


def _threshold(facts: Facts) -> str:
    halves = [facts[key] for key in ("seqlet_fdr_1", "seqlet_fdr_2") if key in facts]
    rates = [f"{number(rate)} in half {half}" for half, rate in enumerate(halves, start=1)]
    each = " and ".join(rates) if len(rates) > 1 else number(facts["seqlet_fdr"])
    if facts["seqlet_fdr_reached"]:
        return f"the false discovery rate was {each}"
    return (
        "where no threshold reached a false discovery rate of 0.05, the one that leaves five per "
        f"kb was taken (the rate was {each})"
    )
