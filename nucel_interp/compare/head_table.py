"""What `head_motifs` found, as a table and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nucel_interp.compare.heads import HeadMotifs
from nucel_interp.types import HEAD_MOTIF_COLUMNS, Motif
from nucel_model import AnyConfig

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05


def head_motif_table(config: AnyConfig, result: HeadMotifs) -> pd.DataFrame:
    """One row per tested motif and head (columns `types.HEAD_MOTIF_COLUMNS`).

    Motifs in the given order, heads by falling t. ``test_t`` and ``test_p`` stand only where
    ``chosen`` does: with the head that was best on the discovery half.
    """
    import pandas as pd

    n = config.num_attention_heads
    frames = []
    for m, one in enumerate(result.tested):
        a, u = result.model, result.untrained
        heads = np.argsort(-a.t[:, m], kind="stable")
        layer = heads // n
        chosen = heads == a.chosen[m]
        missing = np.full(len(heads), np.nan)
        columns = {
            "motif_id": one.motif.id,
            "motif_name": one.motif.name,
            "layer": layer,
            "head": heads % n,
            "kind": ["global" if config.window(int(i)) is None else "local" for i in layer],
            "auroc": a.auroc[heads, m],
            "auroc_decoys": a.auroc_decoys[heads, m],
            "expected_difference": a.expected[heads, m],
            "standard_error": a.se[heads, m],
            "t": a.t[heads, m],
            "p_family": a.p_family[heads, m],
            "p_shift": a.p_shift[heads, m],
            "discovery_t": a.discovery_t[heads, m],
            "chosen": chosen,
            "test_t": np.where(chosen, a.test_t[m], np.nan),
            "test_p": np.where(chosen, a.test_p[m], np.nan),
            "untrained_t": missing if u is None else u.t[heads, m],
            "untrained_p_family": missing if u is None else u.p_family[heads, m],
        }
        frames.append(pd.DataFrame(columns)[HEAD_MOTIF_COLUMNS])
    if not frames:
        return pd.DataFrame(columns=HEAD_MOTIF_COLUMNS)
    return pd.concat(frames, ignore_index=True)


def describe(config: AnyConfig, result: HeadMotifs, sinks: pd.DataFrame) -> list[str]:
    """The outcome in sentences: in all, motif by motif, what was not tested, and sinks."""
    n = config.num_attention_heads
    a, u = result.model, result.untrained
    lines = [_in_all(result)] if result.tested else ["No motif could be tested."]
    for m, one in enumerate(result.tested):
        layer, head = divmod(int(a.chosen[m]), n)
        line = (
            f"{label(one.motif)}: head {layer}:{head} (layer:head, from 0), test half t = "
            f"{a.test_t[m]:.1f}, p = {a.test_p[m]:.2g}; AUROC {a.auroc[a.chosen[m], m]:.2f} at its "
            f"sites, {a.auroc_decoys[a.chosen[m], m]:.2f} at decoys', "
            f"{a.expected[a.chosen[m], m]:+.2f} between them by place alone"
        )
        if u is not None:
            line += f"; untrained model's own best t = {u.test_t[m]:.1f}, p = {u.test_p[m]:.2g}"
        lines.append(line)
    lines += [f"{label(o.motif)}: not tested, {o.reason}" for o in result.occurrences if o.reason]
    flagged = sinks[sinks["sink_sequences"] > 0]
    if len(flagged):
        named = ", ".join(
            f"{row['layer']}:{row['head']} ({row['sink_sequences']} of {row['sequences']})"
            for row in flagged.sort_values("sink_sequences", ascending=False).to_dict("records")[
                :10
            ]
        )
        lines.append(f"Sinks, over half of the attention on one base: {named}")
    else:
        lines.append("No head gives over half of its attention to one base in any sequence.")
    return lines


def label(motif: Motif) -> str:
    """``MA0139.2 CTCF``, or the id alone."""
    return f"{motif.id} {motif.name}".strip()


def _in_all(result: HeadMotifs) -> str:
    a, u = result.model, result.untrained
    n_units, n_motifs = int(result.used.sum()), len(result.tested)
    how = (
        "tracks exchanged between sequences of one length"
        if result.null == "exchange"
        else "tracks shifted along their own sequence, since lengths differ"
    )
    found = int((a.test_p < ALPHA).sum())
    text = (
        f"{found} of {n_motifs} motifs get more attention than their decoys from the head chosen "
        f"for them on the other half (p < {ALPHA}, corrected for the motifs; {n_units} sequences, "
        f"{result.permutations} permutations: {how})"
    )
    if u is None:
        return text + "."
    same = int((u.test_p < ALPHA).sum())
    return f"{text}; of an untrained model's heads, {same} of {n_motifs} do."
