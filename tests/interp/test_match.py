import gzip
import time
from importlib.resources import files

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.match import JasparDatabase, best_match, load_jaspar, match_motifs
from nucel_interp.motifs.similarity import tomtom
from nucel_interp.types import MATCH_COLUMNS, Motif


@pytest.fixture(scope="module")
def vertebrates():
    return load_jaspar()


def by_id(database, motif_id):
    return next(motif for motif in database.motifs if motif.id == motif_id)


def sharp(text, share=0.85):
    rest = (1 - share) / 3
    columns = [[share if base == letter else rest for base in "ACGT"] for letter in text]
    return Motif("query", np.array(columns).T)


def test_load_is_complete_and_fast():
    start = time.perf_counter()
    database = load_jaspar()
    assert time.perf_counter() - start < 3  # 0.3 s on an idle machine
    assert len(database) == 1019
    assert {motif.group for motif in database.motifs} == {"vertebrates"}
    everything = load_jaspar("all")
    assert len(everything) == 2633
    assert len({motif.id for motif in everything.motifs}) == 2633
    for motif in everything.motifs:
        assert motif.name
        assert motif.name in everything.members[everything.archetypes[motif.id]]
        assert "," not in motif.name
        assert motif.n_sites >= 1
        np.testing.assert_allclose(motif.pwm.sum(axis=0), 1)


def test_shipped_file_is_reproducible_and_small():
    data = files("nucel_interp.data").joinpath("JASPAR2026_CORE.meme.gz").read_bytes()
    assert data[4:8] == bytes(4)  # no time stamp
    table = files("nucel_interp.data").joinpath("JASPAR2026_CORE.tsv").read_bytes()
    assert len(data) + len(table) < 1_500_000
    assert gzip.decompress(data).startswith(b"MEME version 4")


@pytest.mark.parametrize(("tax", "near"), [("vertebrate", "vertebrates"), ("Plants", "plants")])
def test_a_wrong_group_names_the_nearest(tax, near):
    with pytest.raises(InputError, match=f"Did you mean {near}"):
        load_jaspar(tax)
    with pytest.raises(InputError, match=r"Choose one of .* or all"):
        load_jaspar("xyz")


def test_ctcf_matrices_share_an_archetype(vertebrates):
    names = {vertebrates.archetypes[i] for i in ("MA0139.2", "MA1929.2", "MA1930.2")}
    assert len(names) == 1
    (name,) = names
    assert name.endswith("_CTCF")
    assert vertebrates.members[name] == ("CTCF",)
    # neither one lump nor all singletons
    assert 120 < len(vertebrates.members) < 300


def test_ctcf_consensus_names_ctcf_first(vertebrates):
    # the published core consensus, its ambiguous letters shared out evenly
    letters = {"R": "AG", "Y": "CT", "S": "CG", "K": "GT"}
    sets = [letters.get(letter, letter) for letter in "CCASYAGRKGGCR"]
    pwm = np.array([[(base in s) / len(s) * 0.92 + 0.02 for base in "ACGT"] for s in sets]).T
    matches = match_motifs([Motif("query", pwm)], vertebrates)
    row = best_match(matches, "query")
    assert row["Target_name"] == "CTCF"
    assert row["E-value"] < 1e-5
    assert row["archetype"].endswith("_CTCF")
    assert row["archetype_members"] == "CTCF"


def test_columns_order_and_corrections(vertebrates):
    queries = [by_id(vertebrates, i) for i in ("MA0139.2", "MA0035.5", "MA0138.3")]
    matches = match_motifs(queries, vertebrates)
    assert list(matches.columns) == MATCH_COLUMNS
    assert list(dict.fromkeys(matches["Query_ID"])) == [query.id for query in queries]
    assert (matches["E-value"] <= 10).all()
    p = tomtom(queries, vertebrates.motifs).p
    q_global = false_discovery_control(p.ravel()).reshape(p.shape)
    for i, query in enumerate(queries):
        rows = matches[matches["Query_ID"] == query.id]
        assert rows["p-value"].is_monotonic_increasing
        assert rows["Target_ID"].iloc[0] == query.id
        at = [next(j for j, t in enumerate(vertebrates.motifs) if t.id == name)
              for name in rows["Target_ID"]]  # fmt: skip
        np.testing.assert_allclose(rows["p-value"], p[i, at])
        np.testing.assert_allclose(rows["E-value"], p[i, at] * 1019)
        np.testing.assert_allclose(rows["q-value"], false_discovery_control(p[i])[at])
        np.testing.assert_allclose(rows["q_global"], q_global[i, at])
    gata = best_match(matches, "MA0035.5")
    assert "GATA6" in gata["archetype_members"].split(",")


def test_self_queries_rank_first(vertebrates):
    queries = list(vertebrates.motifs[::10])
    matches = match_motifs(queries, vertebrates, e_threshold=0.1)
    # matrices of one factor may be identical, so compare p, not ids
    own = tomtom(queries, queries).p.diagonal()
    assert (own < 1e-6).all()
    firsts = [best_match(matches, query.id)["Target_ID"] for query in queries]
    assert np.mean([a == b.id for a, b in zip(firsts, queries, strict=True)]) > 0.95


def test_shuffled_columns_match_nothing(vertebrates):
    ctcf = by_id(vertebrates, "MA0139.2").pwm
    queries = []
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(ctcf.shape[1])
        queries.append(Motif(f"shuffled{seed}", ctcf[:, order]))
    matches = match_motifs(queries, vertebrates)
    assert (matches["q_global"] >= 0.05).all()
    # and E is honest: about one match with E < 1 per query
    assert 5 <= (matches["E-value"] < 1).sum() <= 45


def test_weak_queries_have_no_rows_and_do_not_count(vertebrates):
    ctcf = by_id(vertebrates, "MA0139.2")
    weak = [Motif("flat", np.full((4, 12), 0.25)), Motif("short", ctcf.pwm[:, :4])]
    matches = match_motifs([*weak, ctcf], vertebrates)
    assert set(matches["Query_ID"]) == {"MA0139.2"}
    np.testing.assert_allclose(matches["q_global"], match_motifs([ctcf], vertebrates)["q_global"])
    assert best_match(matches, "flat") is None
    for nothing in (match_motifs(weak, vertebrates), match_motifs([], vertebrates)):
        assert nothing.empty
        assert list(nothing.columns) == MATCH_COLUMNS
        assert nothing["p-value"].dtype == "float64"


def test_no_row_below_the_threshold_keeps_the_columns(vertebrates):
    matches = match_motifs([sharp("ACACGTTGGT", 0.6)], vertebrates, e_threshold=1e-30)
    assert matches.empty
    assert list(matches.columns) == MATCH_COLUMNS


def test_own_collection(vertebrates):
    motifs = [Motif(f"x{m.id}", m.pwm, name=m.name) for m in vertebrates.motifs[:40]]
    database = JasparDatabase.from_motifs(motifs, "mine.meme")
    row = best_match(match_motifs([motifs[3]], database), motifs[3].id)
    assert row["Target_ID"] == row["archetype"] == motifs[3].id
    with pytest.raises(InputError, match="more than once"):
        JasparDatabase.from_motifs([motifs[0]] * 2, "mine.meme")
    with pytest.raises(InputError, match="none"):
        JasparDatabase.from_motifs([], "mine.meme")
    with pytest.warns(NucelWarning, match="5 motifs only"):
        match_motifs(motifs[:1], JasparDatabase.from_motifs(motifs[:5], "mine.meme"))


def test_bad_arguments(vertebrates):
    with pytest.raises(InputError, match="Two motifs are named query"):
        match_motifs([sharp("ACGTACGT")] * 2, vertebrates)
    with pytest.raises(InputError, match="above 0"):
        match_motifs([], vertebrates, e_threshold=0)
