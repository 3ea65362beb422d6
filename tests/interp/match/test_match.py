import gzip
import time
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from scipy.stats import false_discovery_control
from typer.testing import CliRunner

from nucel_interp.cli import app
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.meme import write_meme
from nucel_interp.match import (
    JasparDatabase,
    best_match,
    ends,
    load_database,
    load_jaspar,
    match_table,
)
from nucel_interp.match.archetypes import archetypes
from nucel_interp.motifs.similarity import tomtom
from nucel_interp.types import MATCH_COLUMNS, Motif
from tests.toy import dna

HEAD = "MEME version 4\n\nALPHABET= ACGT\n\n"


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
    matches = match_table([Motif("query", pwm)], vertebrates)
    row = best_match(matches, "query")
    assert row["Target_name"] == "CTCF"
    assert row["E-value"] < 1e-5
    assert row["archetype"].endswith("_CTCF")
    assert row["archetype_members"] == "CTCF"


def test_columns_order_and_corrections(vertebrates):
    queries = [by_id(vertebrates, i) for i in ("MA0139.2", "MA0035.5", "MA0138.3")]
    matches = match_table(queries, vertebrates)
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
    matches = match_table(queries, vertebrates, e_threshold=0.1)
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
    matches = match_table(queries, vertebrates)
    assert (matches["q_global"] >= 0.05).all()
    # and E is honest: about one match with E < 1 per query
    assert 5 <= (matches["E-value"] < 1).sum() <= 45


def test_weak_queries_have_no_rows_and_do_not_count(vertebrates):
    ctcf = by_id(vertebrates, "MA0139.2")
    weak = [Motif("flat", np.full((4, 12), 0.25)), Motif("short", ctcf.pwm[:, :4])]
    with pytest.warns(NucelWarning, match=r"2 of 3 motifs .* flat \(0 columns\), short \(4 col"):
        matches = match_table([*weak, ctcf], vertebrates)
    assert set(matches["Query_ID"]) == {"MA0139.2"}
    np.testing.assert_allclose(matches["q_global"], match_table([ctcf], vertebrates)["q_global"])
    assert best_match(matches, "flat") is None
    with pytest.warns(NucelWarning, match="2 of 2 motifs were not compared"):
        all_weak = match_table(weak, vertebrates)
    for nothing in (all_weak, match_table([], vertebrates)):
        assert nothing.empty
        assert list(nothing.columns) == MATCH_COLUMNS
        assert nothing["p-value"].dtype == "float64"


def test_no_row_below_the_threshold_keeps_the_columns(vertebrates):
    matches = match_table([sharp("ACACGTTGGT", 0.7)], vertebrates, e_threshold=1e-30)
    assert matches.empty
    assert list(matches.columns) == MATCH_COLUMNS


def test_own_collection(vertebrates):
    motifs = [Motif(f"x{m.id}", m.pwm, name=m.name) for m in vertebrates.motifs[:40]]
    database = JasparDatabase.from_motifs(motifs, "mine.meme")
    row = best_match(match_table([motifs[3]], database), motifs[3].id)
    assert row["Target_ID"] == motifs[3].id
    assert row["Target_name"] in row["archetype_members"].split(",")
    with pytest.raises(InputError, match="more than once"):
        JasparDatabase.from_motifs([motifs[0]] * 2, "mine.meme")
    with pytest.raises(InputError, match="none"):
        JasparDatabase.from_motifs([], "mine.meme")
    with pytest.warns(NucelWarning, match="5 motifs only"):
        JasparDatabase.from_motifs(motifs[:5], "mine.meme")


def mine(tmp_path, motifs):
    path = tmp_path / "mine.meme"
    path.write_text(write_meme(motifs))
    return path


def named(database, name, n=None):
    return [m for m in database.motifs if m.name.upper().startswith(name)][:n]


def test_archetypes_of_a_small_collection_are_families(tmp_path, vertebrates):
    ids = ("MA0139.2", "MA1929.2", "MA1930.2")
    given = [*(by_id(vertebrates, i) for i in ids), *named(vertebrates, "GATA", 3)]
    given.append(sharp("TTGCACGTTAGC"))
    given += [Motif("flat", np.full((4, 9), 0.25), name="nothing, at all")]
    database = load_database(mine(tmp_path, given))
    groups = [database.archetypes[m.id] for m in given]
    assert len(set(groups[:3])) == len(set(groups[3:6])) == 1
    assert len(set(groups)) == 4
    assert groups[0].startswith("A001_CTCF")
    assert set(database.members[groups[3]]) == {m.name for m in given[3:6]}
    assert groups[6:] == ["A003_query", "A004_nothing__at_all"]


def test_a_small_collection_borrows_jaspars_null(tmp_path, vertebrates):
    klf = named(vertebrates, "KLF", 1)
    database = load_database(mine(tmp_path, klf))
    assert (len(database), len(database.null)) == (1, 1019)
    row = best_match(match_table(klf, database), klf[0].id)
    assert row["p-value"] == row["E-value"] < 1e-7
    # alone, a motif's own columns are all that a column can be: the same motif seems far less sure
    with pytest.warns(NucelWarning, match="1 motifs only"):
        alone = match_table(klf, JasparDatabase.from_motifs(klf, "mine"))
    assert best_match(alone, klf[0].id)["p-value"] > 100 * row["p-value"]
    assert load_database(mine(tmp_path, vertebrates.motifs[:50])).null == ()


def test_archetypes_of_jaspar_can_be_made_again():
    insects = load_jaspar("insects")
    shipped = [insects.archetypes[m.id] for m in insects.motifs]
    assert archetypes(insects.motifs, int(shipped[0][1:4])) == shipped


def test_match_command_takes_a_motif_file(tmp_path, vertebrates):
    queries = [replace(m, id=f"q{i}") for i, m in enumerate(named(vertebrates, "GATA", 2))]
    (tmp_path / "q.meme").write_text(write_meme(queries))
    database = mine(tmp_path, named(vertebrates, "GATA", 3))
    call = ["match", str(tmp_path / "q.meme"), "--db", str(database)]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.stderr
    assert "2 of 2 motifs have a match with q_global <= 0.05 in mine.meme" in result.stderr
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows[0] == MATCH_COLUMNS
    assert {row[1] for row in rows[1:]} <= {m.id for m in named(vertebrates, "GATA", 3)}


BAD_MOTIFS = {
    "rows of counts": (HEAD + "MOTIF a\nletter-probability matrix: w= 1\n5 5 0 0\n", "sums to 10"),
    "rows of 0.9": (HEAD + "MOTIF a\nletter-probability matrix:\n.3 .2 .2 .2\n", "sums to 0.9"),
    "no motif": (HEAD, "holds no motif"),
    "not MEME": (">a\nACGT\n", "MEME version"),
    "empty": ("", "MEME version"),
}


@pytest.mark.parametrize(
    ("case", "place"),
    # nothing to look up is no error
    [(c, p) for c in BAD_MOTIFS for p in ("query", "--db") if (c, p) != ("no motif", "query")],
)
def test_a_bad_motif_file_ends_in_one_line(tmp_path, vertebrates, case, place):
    text, says = BAD_MOTIFS[case]
    (tmp_path / "bad.meme").write_text(text)
    good = mine(tmp_path, vertebrates.motifs[:2])
    files = {"query": [good, "bad.meme"], "--db": ["bad.meme", good]}[place]
    db, query = (str(tmp_path / name) for name in files)
    result = CliRunner().invoke(app, ["match", query, "--db", db, "-o", str(tmp_path / "out.tsv")])
    assert result.exit_code == 1
    (line,) = [x for x in result.stderr.splitlines() if x.startswith("error:")]
    assert "bad.meme" in line
    assert says in line
    assert not (tmp_path / "out.tsv").exists()


def test_windows_line_ends_no_last_newline_and_no_blank_before_e(tmp_path, vertebrates):
    motifs = vertebrates.motifs[:3]
    text = write_meme(motifs).replace(" E= 0", "E= 1e-3").replace("\n", "\r\n").rstrip()
    path = tmp_path / "odd.meme"
    path.write_bytes(text.encode())
    again = load_database(path).motifs
    assert [m.n_sites for m in again] == [m.n_sites for m in motifs]
    np.testing.assert_allclose(again[2].pwm, motifs[2].pwm, atol=1e-5)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_flat_and_very_short_queries_give_no_hit(vertebrates, width):
    rng = np.random.default_rng(width)
    short = [Motif(f"s{i}", by_id(vertebrates, "MA0139.2").pwm[:, i : i + width]) for i in range(9)]
    flat = [Motif(f"f{w}", np.full((4, w), 0.25)) for w in (width, 8, 30)]
    nearly = [Motif(f"n{i}", rng.dirichlet([50] * 4, size=10).T) for i in range(5)]
    with pytest.warns(NucelWarning, match=r"17 of 17 motifs .* s0 \(\d column.* and 12 more"):
        assert match_table([*short, *flat, *nearly], vertebrates).empty


def test_bad_arguments(vertebrates):
    with pytest.raises(InputError, match="Two motifs are named query"):
        match_table([sharp("ACGTACGT")] * 2, vertebrates)
    with pytest.raises(InputError, match="above 0"):
        match_table([], vertebrates, e_threshold=0)


def with_ends(motif, left, right, rng=None):
    """The motif between columns that say nothing; with ``rng`` as 150 sites would show them."""

    def end(n):
        if rng is None:
            return np.full((4, n), 0.25)
        return rng.multinomial(150, [0.29, 0.21, 0.21, 0.29], size=n).T / 150

    return replace(motif, pwm=np.hstack([end(left), motif.pwm, end(right)]))


NUMBERS = ["Target_ID", "p-value", "E-value", "q-value", "q_global", "Orientation"]


@pytest.mark.parametrize("noisy", [False, True])
def test_uninformative_ends_of_queries_are_not_compared(vertebrates, noisy):
    """6-mers of no meaning get CTCF and ZNF354A, which have runs of N, if their ends count."""
    rng = np.random.default_rng(0)
    plain = [replace(sharp(dna(6, rng)), id=f"q{i}") for i in range(60)]
    ended = [with_ends(motif, 12, 12, rng if noisy else None) for motif in plain]
    want, got = match_table(plain, vertebrates), match_table(ended, vertebrates)
    assert got[["Query_ID", *NUMBERS]].equals(want[["Query_ID", *NUMBERS]])
    assert (got["Optimal_offset"] == want["Optimal_offset"] - 12).all()
    assert set(got["Query_ends"]) == {24}
    assert set(want["Query_ends"]) == {0}


def test_offset_and_overlap_are_of_the_whole_matrices(vertebrates):
    """Drawn side by side by them, both matrices lie as they were compared."""
    jaspar = list(vertebrates.motifs[:60])
    ctcf = by_id(vertebrates, "MA0139.2")
    plain = JasparDatabase.from_motifs([ctcf, *jaspar[:20]], "x", jaspar)
    ended = JasparDatabase.from_motifs(
        [with_ends(m, 3, 7) for m in (ctcf, *jaspar[:20])], "x", jaspar
    )
    queries = [replace(ctcf, id="q", pwm=ctcf.pwm[:, 3:11]), replace(jaspar[3], id="long")]
    want = match_table(queries, plain)
    got = match_table([with_ends(q, 5, 2) for q in queries], ended)
    assert got[NUMBERS].equals(want[NUMBERS])
    assert set(got["Orientation"]) == {"+", "-"}
    shown = np.where(got["Orientation"] == "+", 3, 7)  # the target's left end, as it is shown
    assert (got["Optimal_offset"] == want["Optimal_offset"] - 5 + shown).all()
    assert (got["Target_ends"] == 10).all()
    wide = {q.id: q.width + 7 for q in queries}
    for row in got.itertuples(index=False):
        target = by_id(ended, row.Target_ID).width
        end = min(row.Optimal_offset + wide[row.Query_ID], target)
        assert row.Overlap == end - max(row.Optimal_offset, 0)


def test_a_target_that_is_nothing_but_flat_is_like_nothing(vertebrates):
    flat = Motif("flat", np.full((4, 12), 0.25), name="flat")
    database = JasparDatabase.from_motifs([flat, *vertebrates.motifs[:40]], "x")
    matches = match_table([vertebrates.motifs[7]], database, e_threshold=100)
    row = matches[matches["Target_ID"] == "flat"].iloc[0]
    assert (row["p-value"], row["Overlap"], row["Orientation"]) == (1.0, 0, ".")


def test_no_matrix_of_jaspar_has_such_ends(vertebrates):
    """So its archetypes and the matches of queries without such ends are what they were."""
    assert not any(ends(motif) for motif in load_jaspar("all").motifs)


def test_match_command_says_what_was_left_out(tmp_path, vertebrates):
    gata = named(vertebrates, "GATA", 1)[0]
    queries = [
        replace(gata, id="found"),
        with_ends(replace(gata, id="wide"), 4, 0),
        Motif("weak", gata.pwm[:, :3]),
        replace(sharp("CCGGTTAACCGG"), id="other"),
    ]
    (tmp_path / "q.meme").write_text(write_meme(queries))
    database = mine(tmp_path, [with_ends(gata, 0, 2)])
    call = ["match", str(tmp_path / "q.meme"), "--db", str(database)]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.stderr
    assert "warning: 1 of 4 motifs were not compared" in result.stderr
    assert "weak (3 columns)" in result.stderr
    assert "note: 1 of 4 motifs of " in result.stderr
    assert "(wide: 4)" in result.stderr
    assert "note: 1 of 1 motifs of mine.meme have columns under 0.25 bits" in result.stderr
    # three rows with E <= 10, as every pair of a small collection has, and two that mean something
    assert "2 of 4 motifs have a match with q_global <= 0.05 in mine.meme; 3 rows" in result.stderr
