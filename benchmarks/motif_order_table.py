"""Motif order, over seeds: attention signal-to-noise before and after fine-tuning.

    python -m benchmarks.motif_order_table OUT [SEQUENCES]

prints the table as Markdown and leaves in OUT: snr_over_seeds.tsv, the figure motif_order (svg,
pdf, png, csv) and the paragraph methods.md. OUT/order is what `nucel-pretrain motif-order` wrote;
the first SEQUENCES held-out sequences are measured. The measurement is that of `nucel-interp
compare --sites`, by the function behind it and without its search for motifs, which would be made
with every model and every seed. Models that did not learn the task (results.tsv) are left out.

A cell is the mean over seeds with its 95 % t interval (of ratios: of their logarithms); a model
that exists once (a pre-trained one before fine-tuning) has the interval over sequences that
`nucel-interp compare` gives.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

KEYS = ["resolution", "layers", "definition", "heads", "motif"]
MEASURED = (
    "Attention was measured in the first {n} held-out sequences, as `nucel-interp compare --sites` "
    "does: the mean a base receives over uniform attention, both strands averaged. Six-base tokens "
    "are read in six frames, each base having its token's value (density rule); at matched "
    "resolution networks of single bases are blurred in the same way. The bases of a motif's "
    "planted sites are inside, all other bases outside. Signal-to-noise of a sequence is mean "
    "inside / mean outside; or (mean inside - mean outside) / standard deviation outside; or "
    "maximum inside / median outside; of a network it is the median over sequences. The head is "
    "the best by that definition on one half of the sequences and is measured on the other, both "
    'ways; "mean" is over all heads. Values are means over seeds with 95 % t intervals (ratios: of '
    "their logarithms); a pre-trained network before fine-tuning and its randomly initialised "
    "control exist once, and theirs are bootstrap intervals over sequences. Random intervals are "
    "as many, of the same lengths, in the same sequences, read with the same heads. Networks that "
    "did not learn the task are left out.\n"
)
SEED = re.compile(r"^(.*?)(-random-weights)?-seed\d+(, randomly initialised)?$")


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
        elif values.empty:  # too few sequences for a half to choose a head on
            row |= {"snr": np.nan, "low": np.nan, "high": np.nan, "seeds": 0}
        else:
            # a ratio is averaged and bounded as its logarithm: it cannot be negative
            z = row["definition"] == "z"
            scaled = values if z else np.log(values)
            half = float(t.ppf(0.975, len(values) - 1)) * scaled.std() / len(values) ** 0.5
            found = scaled.mean() + half * np.array([0.0, -1.0, 1.0])
            row |= dict(zip(("snr", "low", "high"), found if z else np.exp(found), strict=True))
            row["seeds"] = len(values)
        row["by_seed"] = " ".join(f"{value:.6g}" for value in values)
        row["random"] = part["random"].mean() if "random" in part else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def group_of(name: str) -> str:
    """``nt-small-seed2`` and its like to ``nt-small``, what was randomly initialised kept apart."""
    found = SEED.match(name)
    if not found:
        return name
    return found[1] + (", randomly initialised" if found[2] or found[3] else "")


def with_states(table: pd.DataFrame) -> pd.DataFrame:
    """Columns family and state (`motif_order_figure.STATES`) beside ``model`` and ``when``."""
    plain = table["model"].str.removesuffix(", randomly initialised")
    state = np.where(table["when"] == "after", "trained", "pre-trained")
    return table.assign(
        family=[
            name.removesuffix("-before") if when == "before" else name
            for name, when in zip(plain, table["when"], strict=True)
        ],
        state=np.where(plain != table["model"], "randomly initialised", state),
    )


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


def folders(order: Path) -> dict[str, list[Path]]:
    """The models before fine-tuning, and those after it that learned the task.

    Raises:
        SystemExit: None did.
    """
    results = pd.read_csv(order / "results.tsv", sep="\t")
    learned = results[results["learned"] == "yes"]
    if learned.empty:
        raise SystemExit(f"no run in {order} learned the task, so there is nothing to compare")
    before = [
        path
        for name in learned["model"].unique()
        for path in sorted((order / "models").glob(f"{name}-*"))
        if re.search(
            r"-before$|-random-weights-seed\d+$", path.name
        )  # compare adds -before's control
    ]
    return {"before": before, "after": [order / path for path in learned["folder"]]}


def measure(out: Path, n: int) -> None:
    """Compare the models of both times and write the tables into OUT/before and OUT/after."""
    from nucel_interp import compare_models, read_records
    from nucel_interp.io.sites import read_sites

    order = out / "order"
    records = read_records(order / "held_out.fa")[:n]
    names = {record.name for record in records}
    sites = [site for site in read_sites(order / "held_out.bed") if site.chrom in names]
    for when, models in folders(order).items():
        found = compare_models(records, models, sites=sites, find=False)
        (out / when).mkdir(exist_ok=True)
        for table in ("models", "snr", "recovery", "differences", "layers", "heads"):
            frame = getattr(found, table)
            frame.to_csv(out / when / f"{table}.tsv", sep="\t", index=False)


def main(out: Path) -> pd.DataFrame:
    """Print the tables of what `measure` left in OUT and write them as snr_over_seeds.tsv."""
    parts = []
    for when in ("before", "after"):
        snr = pd.read_csv(out / when / "snr.tsv", sep="\t")
        # controls all have the seed of the comparison: three of a shape are one network thrice,
        # and the control of a randomly initialised network is one more of the same
        control = snr["model"].str.endswith(", randomly initialised")
        snr = snr[
            ~(control & (when == "after"))
            & ~(control & snr["model"].str.contains("-random-weights-"))
        ]
        parts.append(snr.assign(when=when))
    table = over_seeds(pd.concat(parts, ignore_index=True))
    table.to_csv(out / "snr_over_seeds.tsv", sep="\t", index=False)
    print(markdown(table))
    return table


def draw(out: Path, table: pd.DataFrame) -> list[Path]:
    """The figure: svg, pdf, png, and as csv the rows that it shows."""
    from benchmarks.motif_order_figure import drawn, motif_order_figure
    from nucel_interp.plots.style import save_figure

    table = with_states(table)
    return save_figure(motif_order_figure(table), out, "motif_order", drawn(table))


def methods(out: Path) -> str:
    """How models were trained, as `nucel-pretrain motif-order` says it, and how measured."""
    n = pd.read_csv(out / "after" / "snr.tsv", sep="\t")["n_sequences"].max()
    trained = (out / "order" / "methods.md").read_text(encoding="utf-8")
    return f"{trained}\n{MEASURED.format(n=n)}"


if __name__ == "__main__":
    measure(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300)
    draw(Path(sys.argv[1]), main(Path(sys.argv[1])))
    (Path(sys.argv[1]) / "methods.md").write_text(methods(Path(sys.argv[1])), encoding="utf-8")
