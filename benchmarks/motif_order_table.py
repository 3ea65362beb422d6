"""Motif order, over seeds: attention signal-to-noise before and after fine-tuning, as Markdown.

    python -m benchmarks.motif_order_table OUT      (what benchmarks/motif_order.sh leaves in OUT)

A cell is the mean over seeds with its 95 % t interval; a model that exists once (a pre-trained one
before fine-tuning) has the interval over sequences that `nucel-interp compare` gives.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
from scipy.stats import t

KEYS = ["resolution", "layers", "definition", "heads", "motif"]
SEED = re.compile(r"^(.*?)(-untrained)?-seed\d+(, untrained)?$")


def over_seeds(snr: pd.DataFrame) -> pd.DataFrame:
    """One row per model without its seed and per `KEYS`: mean, low, high, seeds.

    Args:
        snr: snr.tsv of one or several comparisons, with ``when`` (before, after).
    """
    rows = []
    named = snr.assign(group=[group_of(name) for name in snr["model"]])
    for (when, group, *keys), part in named.groupby(["when", "group", *KEYS], sort=False):
        values = part["snr"].dropna()
        row = {"when": when, "model": group, **dict(zip(KEYS, keys, strict=True))}
        if len(part) == 1:
            only = part.iloc[0]
            row |= {"snr": only["snr"], "low": only["low"], "high": only["high"], "seeds": 1}
        else:
            half = float(t.ppf(0.975, len(values) - 1)) * values.std() / len(values) ** 0.5
            mean = values.mean()
            row |= {"snr": mean, "low": mean - half, "high": mean + half, "seeds": len(values)}
        row["random"] = part["random"].mean() if "random" in part else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def group_of(name: str) -> str:
    """``nt-small-seed2`` and its like to ``nt-small``, what is untrained kept apart."""
    found = SEED.match(name)
    if not found:
        return name
    return found[1] + (", untrained" if found[2] or found[3] else "")


def markdown(table: pd.DataFrame) -> str:
    """A table per resolution, choice of layers and definition; a row per model, motifs across."""
    lines = []
    motifs = list(dict.fromkeys(table["motif"]))
    for keys, part in table.groupby(["resolution", "layers", "definition"], sort=False):
        lines += ["", f"**{' / '.join(keys)}**", ""]
        columns = [f"{motif}, {heads}" for heads in ("best", "mean") for motif in motifs]
        lines.append(f"| | model | seeds | {' | '.join(columns)} |")
        lines.append("|---" * (3 + len(columns)) + "|")
        for (when, model), mine in part.groupby(["when", "model"], sort=False):
            cells = []
            for heads in ("best", "mean"):
                for motif in motifs:
                    one = mine[(mine["heads"] == heads) & (mine["motif"] == motif)]
                    cells.append(_cell(one.iloc[0]) if len(one) else "")
            lines.append(f"| {when} | {model} | {mine['seeds'].max()} | {' | '.join(cells)} |")
    return "\n".join(lines[1:])


def _cell(row: pd.Series) -> str:
    return f"{row['snr']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def main(out: Path) -> None:
    parts = []
    for when in ("before", "after"):
        snr = pd.read_csv(out / when / "snr.tsv", sep="\t")
        if when == "before":  # an untrained network's own twin is one more of the same
            snr = snr[~snr["model"].str.contains("untrained.*, untrained$")]
        parts.append(snr.assign(when=when))
    table = over_seeds(pd.concat(parts, ignore_index=True))
    table.to_csv(out / "snr_over_seeds.tsv", sep="\t", index=False)
    print(markdown(table))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
