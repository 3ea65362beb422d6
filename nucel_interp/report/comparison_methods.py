"""A methods paragraph for a comparison of models that states every choice, for a paper."""

from __future__ import annotations

from typing import Any

from nucel_interp.report.phrasing import Facts, number


def comparison_methods(summary: dict[str, Any], run: dict[str, Any]) -> str:
    """What was done, in the words and with the numbers a reviewer asks for.

    Args:
        summary: `ComparisonResult.summary`; what it lacks is not spoken of.
        run: The content of run.json.
    """
    facts, versions = Facts(summary), Facts(run.get("versions") or {})
    sentences = [
        f"Models were compared with nucel-interp {number(versions['nucel-interp'])}.",
        f"All read the same windows of {number(facts['window_bp'])} bp: the smallest context among "
        "the models in bases, rounded down to a multiple of 6, without N.",
        _sites(facts),
        "Attention is the mean a base receives from all base queries, relative to uniform "
        f"attention in the same mask (1.0 is no preference), {_strands(facts)}; [CLS] takes part "
        "in the softmax, is never renormalised away, and is left out of every mean.",
        _tokens(facts),
        "Signal-to-noise of a sequence is the mean attention of the bases inside its sites over "
        "the mean of its other bases; reported is the median over sequences. Two further "
        "definitions are tabulated: z, the difference of the means over the standard deviation "
        "outside, and the peak inside over the median outside, which exceeds 1 by chance and has "
        "the same statistic at as many random intervals of the same lengths beside it.",
        _halves(facts),
        f"Intervals (95 %) are percentiles of {number(facts['n_bootstrap'] or 'the')} bootstrap "
        "draws of whole sequences; two models were compared by the ratio of their medians over "
        "the same draws. They are not corrected for the number of motifs or pairs.",
        "AUROC and AUPRC take every base: those of sites against all others, for the head chosen "
        "on the other half" + (f"; decoys are {facts['decoys']}." if facts["decoys"] else "."),
        "Every model stands beside a randomly initialised control, a network of its shape, with "
        "its head chosen in the same way; every trained model beside itself at the same places in "
        "dinucleotide-shuffled copies of the windows, which tells what the places alone give.",
        _own_tracks(facts),
    ]
    if facts["seed"] is not None:
        sentences.append(f"Seed {number(facts['seed'])}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _own_tracks(facts: Facts) -> str:
    if not facts["own_tracks"]:
        return ""
    return (
        f"Scores given by the user ({facts['own_tracks']}) were measured at the same sites in the "
        "same windows, by their sizes where they have values below 0; nothing was chosen."
    )


def _sites(facts: Facts) -> str:
    counts = (
        f" ({number(facts['n_sites'])} sites in {number(facts['n_with_site'])} sequences)"
        if facts["n_sites"] is not None
        else ""
    )
    choice = f"; motifs: {facts['motif_choice']}" if facts["motif_choice"] else ""
    return f"Sites came from {facts['sites_from'] or 'the input'}{counts}{choice}."


def _strands(facts: Facts) -> str:
    both = facts["strand"] in (None, "both")
    return "averaged over both strands" if both else f"on the {facts['strand']} strand"


def _tokens(facts: Facts) -> str:
    if str(facts["matched"] or "").startswith("the same as native"):
        return (
            "All models read single bases, so matched resolution is the native one; tracks were "
            "not smoothed."
        )
    rule = {
        "density": "each base of a token was given the token's attention over uniform attention "
        "(density rule)",
        "mass": "each base of a token was given the token's attention divided by its width "
        "(mass rule)",
    }.get(str(facts["rule"] or "density"), str(facts["rule"]))
    frames = facts["frames"]
    averaged = (
        f", and {number(frames)} runs that start at bases 0 to {int(frames) - 1} were averaged"
        if isinstance(frames, int) and frames > 1
        else ""
    )
    return (
        f"For models of six-base tokens, {rule}{averaged}. Native resolution is what a model "
        "gives; for matched resolution, tracks of single-base models were averaged over six-base "
        "boxes in the same six frames, which is a triangle 11 bp wide."
        + (
            f" The first and last {number(facts['end_bp_left_out'])} bases of a window, which "
            "fewer frames cover, were left out for every model."
            if facts["end_bp_left_out"]
            else ""
        )
    )


def _halves(facts: Facts) -> str:
    sizes = (
        f" ({number(facts['n_half_1'])} and {number(facts['n_half_2'])})"
        if facts["n_half_1"] is not None
        else ""
    )
    rule = f" {facts['split_rule']}" if facts["split_rule"] else ""
    return (
        f"Sequences were split{rule} into two halves{sizes}. For each model, motif, resolution "
        "and set of layers, the head with the highest value on one half was measured on the "
        "other, both ways round, and the sequences of both halves were pooled; the mean over "
        "heads needs no choice and stands beside it."
    )
