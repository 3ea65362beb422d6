"""Heads against motifs: what is found, what is not, and that nothing leaks."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from nucel_interp.cli.app import app
from nucel_interp.compare.heads.head_motifs import measure_heads
from nucel_interp.compare.heads.statistic import associate, family_p
from nucel_interp.compare.heads.tables import describe, head_claims, head_motif_table
from nucel_interp.compare.shared.enriched_motifs import enriched_archetypes
from nucel_interp.compare.shared.sinks import opportunity, sink_table
from nucel_interp.controls.auroc_weights import centred_ranks, not_overlapping, site_places
from nucel_interp.controls.composition import composition, matched_weights
from nucel_interp.controls.decoys import LIKENESS, decoys, expected_cpg, likeness
from nucel_interp.controls.occurrences import find_occurrences
from nucel_interp.controls.permutation import permute_between_sequences, shift
from nucel_interp.io.meme import write_meme
from nucel_interp.match import JasparDatabase
from nucel_interp.plots.head_motifs import head_motif_map
from nucel_interp.sequences import Sequences
from nucel_interp.types import HEAD_MOTIF_COLUMNS, Motif, Site, reverse_complement
from nucel_model import NucelConfig, every_third_global, from_pretrained, tokenizer

LENGTH = 120
WORDS = {"one": "TGACTCATGC", "two": "GGGAAATCCA", "three": "CAGGAAGTGT"}


def motif(name: str) -> Motif:
    """Firm and loose columns by turns, so that chance sites are not rare."""
    letters = ["ACGT".index(c) for c in WORDS[name]]
    firm = np.where(np.arange(len(letters)) % 3 == 1, 0.6, 0.91)
    pwm = np.tile((1 - firm) / 3, (4, 1))
    pwm[letters, range(len(letters))] = firm
    return Motif(name, pwm, 100)


def planted(n: int = 240, seed: int = 0, lengths=(LENGTH,)) -> list[str]:
    """Random sequences with every word in most, near the middle."""
    rng = random.Random(seed)
    out = []
    for i in range(n):
        letters = rng.choices("ACGT", k=lengths[i % len(lengths)])
        at = len(letters) // 2 - 20 + rng.randrange(-5, 6)
        for word in rng.sample(sorted(WORDS.values()), k=len(WORDS)):
            if rng.random() < 0.8:
                site = word if rng.random() < 0.5 else reverse_complement(word)
                letters[at : at + len(word)] = site
            at += 13
        out.append("".join(letters))
    return out


def laid_out(sequences: list[str]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(s) for s in sequences])])


def smooth_noise(rng: np.random.Generator, n_heads: int, n_bases: int) -> np.ndarray:
    noise = rng.normal(size=(n_heads, n_bases + 8))
    return np.stack([np.convolve(row, np.ones(9) / 3, mode="valid") for row in noise])


def halves(n: int) -> np.ndarray:
    return np.arange(n) % 2 == 1


def under_sites(sequences: list[str], word: str) -> np.ndarray:
    marks = []
    for s in sequences:
        mark = np.zeros(len(s))
        for w in (word, reverse_complement(word)):
            at = s.find(w)
            while at >= 0:
                mark[at : at + len(w)] = 1
                at = s.find(w, at + 1)
        marks.append(mark)
    return np.concatenate(marks)


@pytest.fixture(scope="module")
def prepared():
    """Sequences with motifs in the middle, their sites and decoys, and 60 rearrangements."""
    sequences = planted()
    offsets = laid_out(sequences)
    in_test = halves(len(sequences))
    everyone = np.ones(len(sequences), dtype=bool)
    null = permute_between_sequences(Sequences(sequences), in_test, everyone, 0, 60)
    found = find_occurrences(
        Sequences(sequences), np.ones(offsets[-1], bool), [motif(w) for w in WORDS], everyone,
        in_test, 0,
    )  # fmt: skip
    assert not any(o.reason for o in found)
    return sequences, offsets, in_test, null, found


def rejections(tracks_of, prepared, n_runs: int) -> tuple[int, int, list[float]]:
    """Runs in which any pair has family-wise p <= 0.05, in which any test p has, all test p."""
    _, offsets, in_test, null, found = prepared
    n_full, n_test, test_p = 0, 0, []
    for run in range(n_runs):
        rng = np.random.default_rng(1000 + run)
        got = associate(tracks_of(rng), offsets, found, null, None, in_test, None, "")
        n_full += got.p_family.min() <= 0.05
        n_test += got.test_p.min() <= 0.05
        test_p.append(float(got.test_p.min()))
    return n_full, n_test, test_p


# of 60 runs at 0.05, more than 9 reject in 1 of 1,300 cases
RUNS, MOST = 60, 9


def test_tracks_that_like_the_middle_are_no_finding(prepared):
    _, offsets, in_test, null, found = prepared
    hill = np.tile(np.exp(-(((np.arange(LENGTH) - 60) / 20) ** 2)), len(offsets) - 1)

    def tracks(rng):
        return smooth_noise(rng, 4, offsets[-1]) + 3 * hill

    n_full, n_test, _ = rejections(tracks, prepared, RUNS)
    assert n_full <= MOST
    assert n_test <= MOST
    # the hill by itself is a preference that a test without permutations would report
    tracks_of_one = tracks(np.random.default_rng(0))
    got = associate(tracks_of_one, offsets, found, null, None, in_test, None, "")
    assert got.auroc.min() > 0.7
    assert (got.auroc - got.auroc_decoys).max() > 0.1
    assert np.abs(got.auroc - got.auroc_decoys - got.expected).max() < 0.1


def test_tracks_that_like_gc_are_no_finding(prepared):
    sequences, offsets, _, _, _ = prepared
    gc = np.array([c in "GC" for c in "".join(sequences)], dtype=float)
    gc = np.convolve(gc, np.ones(11) / 11, mode="same")

    def tracks(rng):
        return smooth_noise(rng, 4, offsets[-1]) + 4 * gc

    n_full, n_test, _ = rejections(tracks, prepared, RUNS)
    assert n_full <= MOST
    assert n_test <= MOST


def test_the_choice_on_one_half_does_not_leak_into_the_other(prepared):
    _, offsets, _, _, _ = prepared
    # heads that differ by chance alone, many of them: the best of one half looks good there
    _, _, p = rejections(lambda rng: smooth_noise(rng, 8, offsets[-1]), prepared, 40)
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.25)
    got = associate(
        smooth_noise(np.random.default_rng(5), 8, offsets[-1]), offsets, prepared[4], prepared[3],
        None, prepared[2], None, "",
    )  # fmt: skip
    at = (got.chosen, np.arange(3))
    assert got.discovery_t[at].min() > 1.0
    assert (got.discovery_t.max(axis=0) == got.discovery_t[at]).all()


def test_a_head_made_to_attend_a_motif_is_found_and_no_other():
    sequences = planted(seed=3)
    offsets = laid_out(sequences)
    tracks = smooth_noise(np.random.default_rng(1), 6, offsets[-1])
    tracks[4] += under_sites(sequences, WORDS["two"])
    got = measure_heads(Sequences(sequences), tracks, [motif(w) for w in WORDS], halves(240),
        random_control=smooth_noise(np.random.default_rng(2), 6, offsets[-1]),
    )  # fmt: skip
    assert got.null == "permutation"
    assert got.model.chosen[1] == 4
    assert got.model.test_p[1] <= 0.01
    significant = np.argwhere(got.model.p_family <= 0.05).tolist()
    assert significant == [[4, 1]]
    assert got.random_control is not None
    assert got.random_control.p_family.min() > 0.05


def test_unequal_lengths_are_shifted_and_the_head_is_still_found():
    sequences = planted(seed=4, lengths=tuple(range(100, 160)))
    offsets = laid_out(sequences)
    tracks = smooth_noise(np.random.default_rng(1), 3, offsets[-1])
    tracks[2] += 2 * under_sites(sequences, WORDS["one"])
    got = measure_heads(Sequences(sequences), tracks, [motif("one"), motif("two")], halves(240))
    assert got.null == "shift"
    assert got.used.all()
    assert got.model.chosen[0] == 2
    assert got.model.test_p[0] <= 0.01
    assert np.argwhere(got.model.p_family <= 0.05).tolist() == [[2, 0]]


def test_long_records_get_both_nulls():
    units = planted(seed=6)
    record = np.arange(len(units)) // 12  # records of 1,440 bp
    offsets = laid_out(units)
    tracks = smooth_noise(np.random.default_rng(1), 2, offsets[-1])
    tracks[1] += under_sites(units, WORDS["three"])
    got = measure_heads(Sequences(units), tracks, [motif("three")], halves(240), record=record)
    assert got.null == "permutation"
    assert got.model.p_family[1, 0] <= 0.01
    assert got.model.p_shift[1, 0] <= 0.01
    short = measure_heads(Sequences(units), tracks, [motif("three")], halves(240), permutations=9)
    assert np.isnan(short.model.p_shift).all()


def test_order_and_strand_of_the_file_do_not_matter():
    sequences = planted(n=200, seed=7)
    tracks = [smooth_noise(np.random.default_rng(i), 3, len(s)) for i, s in enumerate(sequences)]
    test = halves(200)

    def run(order, turn):
        texts = [reverse_complement(sequences[i]) if turn else sequences[i] for i in order]
        values = [tracks[i][:, ::-1] if turn else tracks[i] for i in order]
        return measure_heads(
            Sequences(texts), np.concatenate(values, axis=1), [motif("one")], test[order],
            permutations=40,
        )  # fmt: skip

    plain = run(np.arange(200), False)
    for other in (run(np.random.default_rng(0).permutation(200), False), run(np.arange(200), True)):
        for name in ("t", "p_family", "test_p", "auroc"):
            np.testing.assert_allclose(
                getattr(other.model, name), getattr(plain.model, name), rtol=1e-9
            )


def test_equal_sequences_count_once():
    sequences = planted(n=200, seed=8)
    tracks = smooth_noise(np.random.default_rng(0), 2, 200 * LENGTH)
    copies = [reverse_complement(s) if i % 3 else s for i, s in enumerate(sequences)]
    first = Sequences([*sequences, *copies]).distinct
    assert first.sum() == 200
    flipped = np.concatenate(
        [t[:, ::-1] if i % 3 else t for i, t in enumerate(np.split(tracks, 200, axis=1))], axis=1
    )
    both = measure_heads(
        Sequences([*sequences, *copies]),
        np.concatenate([tracks, flipped], axis=1), [motif("two")], np.tile(halves(200), 2),
        permutations=20,
    )  # fmt: skip
    assert both.used.sum() == 200
    assert len(both.occurrences[0].own.units) <= 200


def test_a_motif_with_few_sites_is_stated_not_tested():
    sequences = planted(n=200, seed=9)
    offsets = laid_out(sequences)
    rare = Motif("rare", np.eye(4)[:, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]] * 0.96 + 0.01, 100)
    alike = Motif("alike", np.tile([[0.97], [0.01], [0.01], [0.01]], 12), 100)
    poly = [s[:10] + "A" * 14 + s[24:] for s in sequences]
    tracks = smooth_noise(np.random.default_rng(0), 2, offsets[-1])
    got = measure_heads(Sequences(poly), tracks, [rare, alike, motif("one")], halves(200),
                      permutations=20)  # fmt: skip
    assert "fewer than 20" in got.occurrences[0].reason
    assert "too much alike" in got.occurrences[1].reason
    assert got.occurrences[2].reason == ""
    assert got.model.t.shape == (2, 1)


def test_without_any_tested_motif_the_result_is_empty():
    sequences = planted(n=10)
    tracks = smooth_noise(np.random.default_rng(0), 2, 10 * LENGTH)
    got = measure_heads(Sequences(sequences), tracks, [motif("one")], halves(10))
    assert got.tested == []
    assert got.model.t.shape == (2, 0)
    assert got.model.test_p.shape == (0,)


def test_decoys_keep_columns_but_not_the_motif():
    own = motif("one")
    made = decoys(own, seed=0)
    assert len(made) == 20
    turned = own.pwm[::-1, ::-1]
    columns = [sorted(map(tuple, m.T.round(6))) for m in (own.pwm, turned)]
    for d in made:
        assert sorted(map(tuple, d.pwm.T.round(6))) in columns
        assert likeness(own.pwm, d.pwm) <= LIKENESS + 1e-9
        assert likeness(own.pwm, d.pwm[::-1, ::-1]) <= LIKENESS + 1e-9
    assert likeness(own.pwm, own.pwm) == pytest.approx(1)
    other = decoys(Motif("t", turned.copy(), 100), seed=0)
    assert all(np.allclose(a.pwm, b.pwm) for a, b in zip(made, other, strict=True))
    cpg = Motif("cpg", np.eye(4)[:, [0, 1, 2, 3, 1, 2, 0, 0, 3, 0]] * 0.96 + 0.01, 100)
    assert all(expected_cpg(d.pwm) == pytest.approx(expected_cpg(cpg.pwm), abs=0.05)
               for d in decoys(cpg, seed=0))  # fmt: skip


def test_decoys_sites_are_weighted_to_the_motifs_composition():
    sequences = ["GCGC" + "A" * 6 + "GGTT" + "ATAT"] * 12
    own = [Site(i, 0, 4, "+", 1.0, 1e-5) for i in range(6)]
    others = [Site(i, 0, 4, "+", 1.0, 1e-5) for i in range(6, 12)]
    others += [Site(i, 10, 14, "+", 1.0, 1e-5) for i in range(12)]
    assert composition(own[0], sequences) == (4, 1)
    weights = matched_weights(own, others, sequences)
    assert weights[:6] == pytest.approx(1.0)
    assert weights[6:] == pytest.approx(0.0)


def test_a_unit_sum_is_the_area_under_the_curve():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    offsets = np.array([0, 50, 130])
    track = rng.integers(0, 9, size=(1, 130)).astype(float)  # with ties
    track[0, [3, 60]] = np.nan
    known = ~np.isnan(track[0])
    sites = [Site(0, 10, 20, "+", 0, 0), Site(0, 15, 24, "-", 0, 0), Site(1, 0, 8, "+", 0, 0),
             Site(1, 40, 48, "+", 0, 0)]  # fmt: skip
    places = site_places([sites], offsets, known)
    ranks = centred_ranks(track, offsets)[0]
    running = np.concatenate([[0], np.cumsum(ranks)])
    sums = np.bincount(places.unit, places.weight * (running[places.end] - running[places.start]))
    mask = np.zeros(130, dtype=bool)
    for s in sites:
        mask[offsets[s.record] + s.start : offsets[s.record] + s.end] = True
    for unit, (a, b) in enumerate(((0, 50), (50, 130))):
        at = np.arange(a, b)[known[a:b]]
        assert sums[unit] + 0.5 == pytest.approx(roc_auc_score(mask[at], track[0, at]))


def test_overlapping_decoy_sites_are_left_out():
    own = [Site(0, 10, 20, "+", 0, 0)]
    others = [Site(0, 20, 30, "+", 0, 0), Site(0, 19, 29, "+", 0, 0), Site(1, 10, 20, "+", 0, 0)]
    assert not_overlapping(others, own) == [others[0], others[2]]


def test_tracks_are_permuted_within_length_and_half_only():
    sequences = planted(n=60, seed=1, lengths=(100, 110))
    sequences.append("A" * 50)
    offsets = laid_out(sequences)
    half = np.append(np.arange(60) // 2 % 2 == 1, False)
    null = permute_between_sequences(Sequences(sequences), half, np.ones(61, bool), 0, 30)
    assert not null.used[60]
    donor = np.searchsorted(offsets, null.begin, side="right") - 1
    assert (donor[0] == np.arange(61)).all()
    lengths = np.diff(offsets)
    assert (lengths[donor] == lengths).all()
    assert (half[donor] == half).all()
    assert (np.sort(donor, axis=1) == np.arange(61)).all()
    assert (donor[1:, :60] != np.arange(60)).mean() > 0.8


def test_shifts_move_whole_records():
    sequences = planted(n=6)
    null = shift(Sequences(sequences), np.array([0, 0, 0, 1, 1, 2]),
                 np.ones(6, bool), 0, 5)  # fmt: skip
    assert null.period.tolist() == [360] * 3 + [240] * 2 + [120]
    assert null.phase[0].tolist() == [0, 120, 240, 0, 120, 0]
    moved = (null.phase[1:] - null.phase[0]) % null.period
    assert (moved[:, 0] == moved[:, 1]).all()
    assert (moved[:, 3] == moved[:, 4]).all()
    assert len(np.unique(moved[:, 0])) > 1


def test_family_p_is_the_share_of_larger_maxima():
    t = np.zeros((2, 1, 5))
    t[:, 0, 0] = [3.5, 1.0]
    t[0, 0, 1:] = [1, 2, 3, 4]
    assert family_p(t)[:, 0].tolist() == [2 / 5, 1.0]


CONFIG = NucelConfig(
    hidden_size=16,
    num_attention_heads=2,
    intermediate_size=16,
    local_attention=16,
    layer_types=every_third_global(2),
    max_position_embeddings=257,
)


def test_opportunity_turns_received_back_into_attention(tiny_folder):
    model = from_pretrained(tiny_folder)
    ids, mask = tokenizer.batch([tokenizer.encode("ACGTN" * 34)])
    profile = model.profile(ids, mask)
    known = ~np.isnan(profile.received[0, 0, 0].numpy())
    maps = model(ids, mask, output_attentions=True).attentions
    for layer in range(2):
        seen = opportunity(known, model.config.window(layer))
        attention = maps[layer][0].detach().numpy()[:, 1:, 1:][:, known].sum(axis=1)
        got = profile.received[0, layer].numpy() * seen
        np.testing.assert_allclose(got[:, known], attention[:, known], rtol=1e-3)


def test_a_sink_is_counted_and_a_mirrored_one_too():
    offsets = np.array([0, 40, 80])
    received = np.ones((4, 80))
    received[1, 10] = 200  # one base of the first sequence
    received[2, [40, 79]] = 100  # the first base of the second, as both strands show it
    table = sink_table(CONFIG, received, offsets, np.array([0.1, 0.2, 0.3, 0.4]))
    assert table["sink_sequences"].tolist() == [0, 1, 1, 0]
    assert table["sequences"].tolist() == [2] * 4
    assert table["cls_share"].tolist() == [0.1, 0.2, 0.3, 0.4]
    one = sink_table(CONFIG, received, offsets, np.zeros(4), both_strands=False)
    assert one["sink_sequences"].tolist() == [0, 1, 0, 0]


def test_table_words_and_figure_agree():
    sequences = planted(seed=3)
    offsets = laid_out(sequences)
    tracks = smooth_noise(np.random.default_rng(1), 4, offsets[-1])
    tracks[3] += 2 * under_sites(sequences, WORDS["two"])
    result = measure_heads(Sequences(sequences), tracks, [motif("two"), motif("one")], halves(240),
        random_control=tracks[:, ::-1], copies=[tracks[::-1, ::-1]], permutations=100,
    )  # fmt: skip
    table = head_motif_table(CONFIG, result)
    assert list(table.columns) == HEAD_MOTIF_COLUMNS
    assert len(table) == 8
    best = table[table["chosen"] & (table["motif_id"] == "two")].iloc[0]
    assert (best["layer"], best["head"], best["kind"]) == (1, 1, "local")
    assert table["test_p"].notna().sum() == 2
    claims = head_claims("toy", CONFIG, result)
    sinks = sink_table(CONFIG, np.exp(tracks), offsets, np.zeros(4))
    words = describe(CONFIG, result, claims, sinks)
    assert words[0].startswith("toy is shown to look at 1 of 2 motifs (two): heads chosen")
    assert words[1].startswith("Head 1:1 of toy looks at two: AUROC 0.")
    assert words[2].startswith("Heads 1:0/0:1 of toy do not look at one beyond other sequences'")
    assert words[-1].startswith("No head gives over half")
    figure = head_motif_map(table)
    assert sum(bool(ax.images) for ax in figure.axes) == 2
    assert head_motif_map(table.iloc[:0]).axes[0].texts[0].get_text().startswith("no motif")


def test_motifs_rich_in_the_sequences_are_chosen_from_the_database():
    sequences = planted()
    absent = Motif("absent", np.eye(4)[:, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]] * 0.96 + 0.01, 100)
    two_again = Motif("two.2", motif("two").pwm, 100)
    motifs = (absent, motif("one"), two_again, replace(motif("two"), name="two"))
    database = JasparDatabase(
        release="test", tax="", motifs=motifs, members={}, families={},
        archetypes={"absent": "A1_absent", "one": "A2_one", "two": "A3_two", "two.2": "A3_two"},
    )  # fmt: skip
    chosen = enriched_archetypes([*sequences, *sequences[:5]], database, 0)
    assert sorted(m.id for m in chosen) == ["one", "two"]
    assert len(enriched_archetypes(sequences, database, 0, most=1)) == 1


def test_the_command_writes_a_folder_or_prints_the_table(tmp_path, tiny_folder):
    fasta = tmp_path / "x.fa"
    sequences = planted(n=60)
    fasta.write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences)))
    memes = tmp_path / "m.meme"
    memes.write_text(write_meme([motif("one")]))
    call = ["-q", "heads", str(fasta), "--motifs", str(memes), "--model", str(tiny_folder)]
    done = CliRunner().invoke(app, [*call, "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    files = {p.name for p in (tmp_path / "out").iterdir()}
    assert files == {
        "controls.tsv",
        "head_motifs.tsv",
        "sinks.tsv",
        "figures",
        "summary.json",
        "run.json",
    }
    table = (tmp_path / "out" / "head_motifs.tsv").read_text()
    printed = CliRunner().invoke(app, call)
    assert printed.stdout == table
    memes.write_text("MEME version 4\n")
    bad = CliRunner().invoke(app, call)
    assert bad.exit_code == 1
    assert "holds no motif" in bad.stderr
