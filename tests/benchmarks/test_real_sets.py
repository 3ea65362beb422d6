"""The benchmark on real sets: what counts as the right answer, and how ranks become recall."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks.known_answers import CTCF, POU, PROMOTER, SETS, part_of
from benchmarks.real_sets import at_true_site, family_of, judge, markdown, table, targets
from nucel_interp.match import JasparDatabase
from nucel_interp.types import Location, Motif, Record


@pytest.fixture(scope="module")
def database() -> JasparDatabase:
    return targets("vertebrates")


def sampled(name: str, database: JasparDatabase) -> Motif:
    """A matrix of 30 sites drawn from a target's."""
    target = next(m for m in database.motifs if name in (m.name, m.id))
    rng = np.random.default_rng(0)
    counts = np.array([rng.multinomial(30, c / c.sum()) for c in target.pwm.T]).T + 0.25
    return Motif(f"sampled_{name}", counts / counts.sum(axis=0))


def test_every_family_has_matrices_in_the_database_that_judges_it() -> None:
    for one in SETS.values():
        database = targets(one.tax)
        known = {m.name for m in database.motifs} | {m.id for m in database.motifs}
        for family in one.families:
            assert 0 < len(family.accepted(database)) < len(database) / 8, family.name
            assert not family.matrices - known


@pytest.mark.parametrize(
    ("name", "families", "expected"),
    [
        ("POU5F1", (POU,), "POU, SOX-POU"),
        ("Pou5f1::Sox2", (POU,), "POU, SOX-POU"),
        ("POU6F1", (POU,), ""),  # TAAT, as in other homeodomains
        ("SOX2", (POU,), ""),
        ("CTCF", (CTCF,), "CTCF"),
        ("ZNF263", (CTCF,), ""),
        ("SP1", PROMOTER, "SP/KLF"),
        ("NFYA", PROMOTER, "NFY"),
        ("Nrf1", PROMOTER, "NRF1"),
        ("MAFG::NRF1", PROMOTER, ""),  # NFE2L1, another factor
        ("GABPA", PROMOTER, "ETS"),
        ("Zbtb2", PROMOTER, "ETS"),  # one of seven that look like the 27 ETS matrices beside it
        ("TBP", PROMOTER, "TATA"),
        ("splice_donor", SETS["donors"].families, "splice donor"),
        ("splice_donor", SETS["acceptors"].families, ""),
        ("splice_acceptor", SETS["acceptors"].families, "splice acceptor"),
        ("ZNF384", SETS["acceptors"].families, ""),  # T alone is no acceptor
    ],
)
def test_a_motif_is_put_in_its_family(database, name, families, expected) -> None:
    ((_, e, family),) = family_of([sampled(name, database)], database, families)
    assert family == expected
    assert e < 0.05


def test_recall_counts_families_by_the_rank_of_their_first_motif(database) -> None:
    names = ["FOS::JUN", "SP1", "KLF5", "GABPA"]
    motifs = [sampled(name, database) for name in names]
    rows = [{"consensus": name, "attention_fold": float(i)} for i, name in enumerate(names)]
    got = judge(motifs, rows, SETS["promoters"], database)
    assert got["ranks"] == {"SP/KLF": 2, "ETS": 4}
    assert [got[f"families_in_{k}"] for k in (1, 3, 10)] == [0, 1, 2]
    assert [got[f"any_in_{k}"] for k in (1, 3, 10)] == [False, True, True]
    assert got["first"]["family"] == ""
    assert got["judged"]["consensus"] == "SP1"
    assert 0 < got["chance_targets"] < 0.2
    assert judge([], [], SETS["promoters"], database)["ranks"] == {}


def test_the_table_holds_runs_with_and_without_motifs(tmp_path, database) -> None:
    one = SETS["ctcf_bound"]
    common = {"part": "seen", "role": one.role, "seed": 0, "n_sequences": 9, "candidates": 2}
    nothing = judge([], [], one, database)
    hit = judge([sampled("CTCF", database)], [{"consensus": "CCACTAGGGGGC"}], one, database)
    for method, facts in (("random-weights", nothing), ("attention", hit)):
        cell = {"set": "ctcf_bound", "method": method, "seconds": 1.0, **common, **facts}
        (tmp_path / f"{method}.json").write_text(json.dumps(cell))
    frame = table(tmp_path)
    assert frame["method"].tolist() == ["attention", "random-weights"]
    assert frame["recall_1"].tolist() == ["1/1", "0/1"]
    lines = markdown(frame).splitlines()
    assert "| yes | 1/1, 1/1, 1/1 |" in lines[2]
    assert "| none | no |" in lines[3]


def test_sites_are_looked_for_where_the_annotation_has_them() -> None:
    sequence = "A" * 100
    records = [
        Record("chr1:50-150(+)@40", sequence, Location("chr1", 50, 150)),
        Record("chr1:200-300(-)@60", sequence, Location("chr1", 200, 300)),
        Record("chr1:400-500", sequence, Location("chr1", 400, 500)),
    ]
    rows = [
        ("chr1", 85, 95, "m1", records[0].name),  # 35-45: holds base 40
        ("chr1", 80, 90, "m1", records[0].name),  # 30-40: ends just before it
        ("chr1", 260, 270, "m1", records[1].name),  # 60-70: begins with it
        ("chr1", 450, 460, "m1", records[2].name),  # nothing known
        ("chr1", 450, 460, "m2", records[2].name),
    ]
    sites = pd.DataFrame(rows, columns=["chrom", "start", "end", "name", "record"])
    got = at_true_site(SimpleNamespace(records=records, sites=sites))
    assert got == {"m1": {"at_true_site": 2 / 3, "at_true_site_chance": pytest.approx(0.1)}}


def test_parts_keep_what_the_model_never_read_apart() -> None:
    assert part_of(Location("chr20", 39_999_800, 40_000_000)) == "seen"
    assert part_of(Location("chr20", 39_999_900, 40_000_100)) == "held_out"
    assert part_of(Location("chrX", 1, 2)) == "seen"
    assert part_of(Location("chr2", 1, 2)) == "elsewhere"
    for one in SETS.values():
        assert one.role != "development" or "held_out" not in one.parts
