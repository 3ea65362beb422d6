"""The benchmark's table: seeds are put together, randomly initialised networks are kept apart."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.motif_order_table import group_of, main, over_seeds

ROW = {
    "resolution": "matched",
    "layers": "all",
    "definition": "mean_ratio",
    "heads": "best",
    "n_sequences": 9,
}


def snr(model, value, motif="A", low=None, high=None):
    return ROW | {"model": model, "motif": motif, "snr": value, "low": low, "high": high}


def test_names_lose_their_seed_and_keep_what_they_were():
    assert group_of("nt-small-seed12") == "nt-small"
    assert group_of("nt-small-random-weights-seed0") == "nt-small, randomly initialised"
    assert group_of("nt-small-seed0, randomly initialised") == "nt-small, randomly initialised"
    assert group_of("nucel-mini-before") == "nucel-mini-before"


def test_a_mean_over_seeds_has_a_t_interval_and_a_single_model_its_own():
    rows = [snr(f"m-seed{i}", value) for i, value in enumerate((1.0, 2.0, 4.0))]
    rows.append(snr("m-before", 1.2, low=1.1, high=1.3))
    rows += [snr(f"z-seed{i}", v) | {"definition": "z"} for i, v in enumerate((1.0, 2.0, 3.0))]
    table = over_seeds(pd.DataFrame(rows).assign(when="after")).set_index("model")
    assert table.loc["m", "seeds"] == 3
    assert table.loc["m", "snr"] == pytest.approx(2.0)  # ratios: on their logarithms
    half = 4.302653 / 3**0.5  # t, 2 degrees of freedom
    assert table.loc["m", "high"] == pytest.approx(2 * 2**half)
    assert table.loc["z", "snr"] == pytest.approx(2.0)
    assert table.loc["z", "low"] == pytest.approx(2 - half)
    assert tuple(table.loc["m-before", ["snr", "low", "high"]]) == (1.2, 1.1, 1.3)


def test_the_table_has_a_row_per_model_and_a_cell_per_motif(tmp_path, capsys):
    for when, names in (("before", ["m-random-weights-seed0"]), ("after", ["m-seed0", "m-seed1"])):
        (tmp_path / when).mkdir()
        rows = [snr(n, 1.5, motif, low=1.0, high=2.0) for n in names for motif in "AB"]
        pd.DataFrame(rows).to_csv(tmp_path / when / "snr.tsv", sep="\t", index=False)
    main(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert "**matched / all / mean_ratio**" in lines
    assert (
        "| before | m, randomly initialised | 1 | 1.50 (1.00 to 2.00) | 1.50 (1.00 to 2.00) |  |  |"
        in lines
    )
    assert any(line.startswith("| after | m | 2 | 1.50 (1.50 to 1.50)") for line in lines)
    assert len(pd.read_csv(tmp_path / "snr_over_seeds.tsv", sep="\t")) == 4
