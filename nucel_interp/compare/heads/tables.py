"""What `head_motifs` found, as a table and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nucel_interp.compare.heads.head_motifs import HeadMotifs, label
from nucel_interp.controls.claims import BEST_HEAD, Claim
from nucel_interp.types import HEAD_MOTIF_COLUMNS
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
        a, control = result.model, result.random_control
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
            "random_control_t": missing if control is None else control.t[heads, m],
            "random_control_p_family": missing if control is None else control.p_family[heads, m],
        }
        frames.append(pd.DataFrame(columns)[HEAD_MOTIF_COLUMNS])
    if not frames:
        return pd.DataFrame(columns=HEAD_MOTIF_COLUMNS)
    return pd.concat(frames, ignore_index=True)


def head_claims(model: str, config: AnyConfig, result: HeadMotifs) -> list[Claim]:
    """What may be said of each motif's chosen heads, in the given order of the motifs."""
    n = config.num_attention_heads

    def named(head: int) -> str:
        return ":".join(map(str, divmod(head, n)))

    return [Claim(b, model, BEST_HEAD, len(result.beyond), named) for b in result.beyond]


def describe(
    config: AnyConfig, result: HeadMotifs, claims: Sequence[Claim], sinks: pd.DataFrame
) -> list[str]:
    """The outcome in sentences: in all, motif by motif, and sinks."""
    lines = [_in_all(result, claims) if result.tested else "No motif could be tested."]
    tested = {label(o.motif): m for m, o in enumerate(result.tested)}
    for claim in claims:
        m = tested.get(claim.beyond.motif)
        permuted = "" if m is None else f" {_permuted(config, result, m, claim)}"
        lines.append(claim.sentence + permuted)
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


def _permuted(config: AnyConfig, result: HeadMotifs, m: int, claim: Claim) -> str:
    """The permutation test of one half beside the claim, and whether they agree."""
    a = result.model
    head = ":".join(map(str, divmod(int(a.chosen[m]), config.num_attention_heads)))
    text = (
        f"Permutation test of head {head} on half 2: t = {a.test_t[m]:.1f}, p = {a.test_p[m]:.2g}"
    )
    if claim.verdict == "yes" and not a.test_p[m] < ALPHA:
        return f"{text}, which by itself would not show it."
    if claim.verdict != "yes" and a.test_p[m] < ALPHA:
        return (
            f"{text}: more than decoys and permuted tracks give, but that alone is no claim "
            "(see the controls above)."
        )
    return f"{text}."


def _in_all(result: HeadMotifs, claims: Sequence[Claim]) -> str:
    model = claims[0].model
    how = (
        "tracks permuted between sequences of one length"
        if result.null == "permutation"
        else "tracks shifted along their own sequence, since lengths differ"
    )
    looked = [c.beyond.motif for c in claims if c.verdict == "yes"]
    n = len(claims)
    found = (
        f"is shown to look at {len(looked)} of {n} motifs ({', '.join(looked)})"
        if looked
        else f"is not shown to look at {'the motif' if n == 1 else f'any of {n} motifs'}"
    )
    return (
        f"{model} {found}: heads "
        "chosen on one half and measured on the other, beyond place, composition, random weights "
        f"and shuffled sequence ({int(result.used.sum())} sequences; intervals hold for all motifs "
        f"together; {result.permutations} permutations: {how})."
    )
