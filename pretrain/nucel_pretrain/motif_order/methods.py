"""Every choice of a run, as a paragraph for a paper."""

from __future__ import annotations

from typing import Any

from nucel_pretrain.motif_order.settings import ENOUGH_TO_READ


def methods(result: dict[str, Any]) -> str:
    """Markdown from what `run.motif_order` returns."""
    settings = result["settings"]
    sampling, tuning, optim = (settings[key] for key in ("sampling", "finetune", "optim"))
    a, b = result["motifs"]
    both = sampling["strands"] == "both"
    shapes = settings["shapes"]
    parts = [
        f"Sequences of {sampling['length']} bases hold one site of each of two motifs, "
        f"A = {_motif(a)} and B = {_motif(b)}; a sequence is positive if A comes before B and "
        "negative otherwise, and the classes are equally frequent. Both classes hold both motifs, "
        "so that their presence says nothing. A site's bases are drawn from its matrix, column by "
        "column and independently. The background is "
        f"{result['background']}. Sites do not overlap; their places are uniform over all pairs of "
        "places in which they fit, and "
        + (
            "each lies on either strand with probability 1/2."
            if both
            else "both lie on the strand given, as the matrices are written."
        ),
        f"Scanning with the two matrices (best log-odds place of each, "
        f"{'both strands' if both else 'the strand given'}) tells the order of "
        f"{result['matrix_scan_accuracy']:.3f} of the held-out sequences; chance is 0.5.",
        f"Training examples are drawn afresh for every step; {sampling['validation']:,} others "
        f"decide when to stop and {sampling['held_out']:,} more are held out. No training example "
        "is a sequence of these two sets, on either strand. All examples are functions of a seed "
        f"({sampling['seed']}) and their number.",
        "Every model is fine-tuned alike: all weights, with a linear layer on [CLS] for two "
        f"classes, by AdamW (learning rate {optim['learning_rate']:g}, betas {optim['beta1']:g} "
        f"and {optim['beta2']:g}, weight decay {optim['weight_decay']:g} on matrices, gradient "
        f"norm clipped at {optim['clip']:g}), {optim['warmup_steps']:,} steps of linear warm-up "
        f"and {optim['schedule']} decay over {tuning['steps']:,} steps of {tuning['batch']} "
        "sequences, fp32, no dropout. Every "
        f"{tuning['evaluate_every']} steps the validation set is looked at; training stops at an "
        f"accuracy of {tuning['enough']:g}, or after {tuning['patience']} looks without a lower "
        "loss once accuracy has passed 0.6; the best weights are kept. Seeds "
        f"({', '.join(map(str, settings['seeds']))}) decide the head, the training examples"
        + (" and, of shapes, the first weights." if shapes else "."),
    ]
    if settings["models"]:
        names = sorted({r["model"] for r in result["rows"] if r["start"] == "pre-trained"})
        parts.append(f"Pre-trained: {', '.join(names)}.")
    if shapes:
        parts.append(
            f"Trained from random weights on this task alone: {', '.join(shapes)}. They have the "
            "layout of NucEL or of the Nucleotide Transformer at a small size; they are not the "
            "published models and say nothing of what those learned in pre-training."
        )
    failed = [f"{r['model']} seed {r['seed']}" for r in result["rows"] if r["learned"] == "no"]
    parts.append(
        f"A run counts as having learned the task from a held-out accuracy of {ENOUGH_TO_READ:g}; "
        + (
            f"these did not, and their attention should not be read: {', '.join(failed)}."
            if failed
            else f"all {len(result['rows'])} runs did."
        )
    )
    return " ".join(parts) + "\n"


def _motif(motif: dict[str, Any]) -> str:
    return (
        f"{motif['name']} ({motif['id']}, {motif['width']} bases, {motif['bits']:.1f} bits, "
        f"{motif['consensus']})"
    )
