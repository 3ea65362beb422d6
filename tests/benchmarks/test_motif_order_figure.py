"""The motif-order figure shows its table: bars, intervals, seeds, random intervals, axes, size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.motif_order_figure import motif_order_figure
from benchmarks.motif_order_table import draw, methods, with_states

BARS = [("mini", "randomly initialised"), ("mini", "pre-trained"), ("mini", "trained"),
        ("nt", "randomly initialised"), ("nt", "trained")]  # fmt: skip
NAMES = [("before", "mini-before, randomly initialised"), ("before", "mini-before"),
         ("after", "mini"), ("before", "nt, randomly initialised"), ("after", "nt")]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    rows = []
    for resolution, layers in (("matched", "all"), ("native", "all"), ("native", "global")):
        for definition in ("mean_ratio", "z"):
            for when, model in reversed(NAMES):
                for motif in ("A", "B"):
                    for heads in ("best", "mean"):
                        value = 1.1 + 0.37 * (len(rows) % 11)
                        rows.append(
                            {"when": when, "model": model, "resolution": resolution,
                             "layers": layers, "definition": definition, "heads": heads,
                             "motif": motif, "snr": value, "low": value / 1.3, "high": value * 1.3,
                             "random": 0.9, "by_seed": f"{value - 0.1} {value} {value + 0.1}"}
                        )  # fmt: skip
    # a motif that one model has no value for
    frame = pd.DataFrame(rows)
    gap = (frame["model"] == "nt") & (frame["motif"] == "B") & (frame["definition"] == "z")
    frame.loc[gap, ["snr", "low", "high"]] = np.nan
    return with_states(frame)


@pytest.fixture(scope="module")
def figure(table):
    return motif_order_figure(table)


def test_names_and_times_become_models_and_states(table):
    found = dict(zip(zip(table["when"], table["model"], strict=True),
                     zip(table["family"], table["state"], strict=True), strict=True))  # fmt: skip
    assert [found[name] for name in NAMES] == BARS


def test_each_bar_ends_at_its_tables_value_and_starts_where_there_is_no_preference(table, figure):
    # rows of panels: matched and native, all layers; native of global layers is in the table alone
    panels = [(r, d) for r in ("matched", "native") for d in ("mean_ratio", "z")]
    assert len(figure.axes) == len(panels)
    for ax, (resolution, definition) in zip(figure.axes, panels, strict=True):
        floor = {"mean_ratio": 1.0, "z": 0.0}[definition]
        shown = table[
            (table["resolution"] == resolution)
            & (table["layers"] == "all")
            & (table["definition"] == definition)
            & (table["heads"] == "best")
        ].set_index(["family", "state", "motif"])
        bars = {tuple(c.get_label().split(", ")): list(c) for c in ax.containers}
        assert set(bars) == set(BARS)
        places = [[bars[bar][i].get_x() for bar in bars] for i in (0, 1)]
        assert max(places[0]) < min(places[1])  # all of motif A's before all of B's
        for bar, patches in bars.items():
            for motif, patch in zip("AB", patches, strict=True):
                value = shown.loc[(*bar, motif), "snr"]
                if np.isnan(value):
                    assert np.isnan(patch.get_height())
                else:
                    assert patch.get_y() == floor
                    assert patch.get_y() + patch.get_height() == pytest.approx(value)
        drawn = shown.dropna(subset="snr")
        lines = {line.get_label(): line.get_ydata() for line in ax.lines}
        ends = lines["_intervals"][np.isfinite(lines["_intervals"])]
        assert sorted(ends) == pytest.approx(sorted([*drawn["low"], *drawn["high"]]))
        assert np.nanmax(abs(lines["_random"] - 0.9)) < 1e-12
        assert np.isfinite(lines["_random"]).sum() == 2 * len(drawn)
        trained = drawn[drawn.index.get_level_values("state") == "trained"]
        seeds = [float(word) for words in trained["by_seed"] for word in words.split()]
        assert sorted(lines["_seeds"]) == pytest.approx(sorted(seeds))
        said = [text.get_text() for text in ax.texts]
        assert said == (["no value"] if definition == "z" else [])


def test_ratios_have_a_logarithmic_axis_and_the_figure_a_journals_width(figure):
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "linear"] * 2
    assert figure.get_figwidth() * 25.4 == pytest.approx(183)
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    # a column of three per model, in the order of the table
    assert entries[:3] == ["nt, randomly initialised", "nt, trained", " "]
    assert entries[3:6] == ["mini, randomly initialised", "mini, pre-trained", "mini, fine-tuned"]


def test_one_folder_gets_the_figure_its_numbers_and_the_methods(table, tmp_path):
    table = table[table["definition"] == "mean_ratio"]
    paths = draw(tmp_path, table.drop(columns=["family", "state"]))
    assert [path.name for path in paths] == [
        f"motif_order.{e}" for e in ("svg", "pdf", "png", "csv")
    ]
    numbers = pd.read_csv(tmp_path / "motif_order.csv")
    assert len(numbers) == 2 * len(BARS) * 2  # panels, bars, motifs
    for folder, name, text in (
        ("after", "snr.tsv", "n_sequences\n17\n"),
        ("order", "methods.md", "Trained so.\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    words = methods(tmp_path)
    assert words.startswith("Trained so.\n\nAttention was measured in the first 17 held-out")
