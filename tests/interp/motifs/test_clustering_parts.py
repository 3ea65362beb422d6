"""The parts of clustering, each against a plain and slow definition of the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp

from nucel_interp.motifs.alignment import MIN_OVERLAP, align, most_alike
from nucel_interp.motifs.communities import find_communities
from nucel_interp.motifs.gapped_kmer_seeds import (
    MIN_Z,
    canonical_words,
    commonest_word,
    enriched_words,
    word_letters,
)
from nucel_interp.motifs.gapped_kmers import gapped_words
from nucel_interp.motifs.neighbours import neighbour_graph
from nucel_interp.motifs.pwm import reverse_complement as turned_pwm
from nucel_interp.motifs.refine import (
    PSEUDOCOUNT,
    Group,
    Tolerance,
    _regrown,
    _scores_without_self,
    _threshold,
    _trimmed,
    _won,
    distinct,
    log_odds,
    merged,
)
from nucel_interp.motifs.seqlet_windows import (
    HANG_BP,
    Regions,
    SeqletWindows,
    canonical_order,
    canonical_regions,
    hundredths,
    on_given_strand,
)
from nucel_interp.sequences import Sequences
from nucel_interp.types import reverse_complement

UNIFORM = np.full(4, 0.25)
RICH_IN_AT = np.array([0.35, 0.15, 0.15, 0.35])


def bases(rng: np.random.Generator, *shape: int, blank: float = 0.0) -> np.ndarray:
    """Random codes 0..3, a share of them -1."""
    codes = rng.integers(0, 4, shape).astype(np.int8)
    codes[rng.random(shape) < blank] = -1
    return codes


def letters(codes: np.ndarray) -> str:
    return "".join("ACGTN"[c] for c in codes)


def other_strand(codes: np.ndarray) -> np.ndarray:
    return np.where(codes >= 0, 3 - codes, -1)[..., ::-1].astype(np.int8)


def table(texts: list[str], flank: int = 0, widths: list[int] | None = None) -> Regions:
    """Every text a unit, with one seqlet ``flank`` bases from its left end."""
    ends = np.cumsum([len(t) for t in texts])
    first = ends - [len(t) for t in texts]
    wide = np.array([len(t) - 2 * flank for t in texts]) if widths is None else np.array(widths)
    return Regions(Sequences(texts), np.arange(len(texts)), first + flank, first + flank + wide)


def random_pwm(rng: np.random.Generator, width: int) -> np.ndarray:
    return rng.dirichlet(np.full(4, 0.4), width).T


# gapped words


def plain_words(text: str) -> Counter[tuple[str, ...]]:
    """Gapped words of one seqlet: base per place, "." for a gap, the smaller of both strands."""
    found: Counter[tuple[str, ...]] = Counter()
    for rest in combinations(range(1, 9), 3):
        places = (0, *rest)
        for start in range(len(text) - places[-1]):
            word = "".join(text[start + i] if i in places else "." for i in range(places[-1] + 1))
            if "N" not in word:
                found[min(word, reverse_complement(word))] += 1
    return found


def test_gapped_words_weigh_as_their_definition_says() -> None:
    rng = np.random.default_rng(0)
    codes = bases(rng, 12, 13, blank=0.03)
    codes[7] = codes[3]
    texts = [letters(row) for row in codes]
    counts = [plain_words(t) for t in texts]
    held_by = Counter(word for c in counts for word in c)
    expected = np.zeros((12, 12))
    weights = [
        {w: (1 + np.log(n)) * np.log(12 / held_by[w]) for w, n in c.items() if held_by[w] > 1}
        for c in counts
    ]
    for i, a in enumerate(weights):
        for j, b in enumerate(weights):
            dot = sum(a[w] * b[w] for w in a.keys() & b.keys())
            norms = sum(v**2 for v in a.values()) * sum(v**2 for v in b.values())
            expected[i, j] = dot / np.sqrt(norms)
    vectors = gapped_words(codes)
    np.testing.assert_allclose((vectors @ vectors.T).toarray(), expected, atol=1e-5)
    assert vectors.nnz == sum(len(w) for w in weights)


def test_gapped_words_do_not_depend_on_the_strand() -> None:
    codes = bases(np.random.default_rng(1), 20, 15)
    turned = codes.copy()
    turned[::2] = other_strand(codes[::2])
    a, b = gapped_words(codes), gapped_words(turned)
    assert abs(a - b).max() < 1e-6


@pytest.mark.parametrize("shape", [(0, 15), (5, 2), (5, 0)])
def test_gapped_words_of_nothing_are_no_words(shape: tuple[int, int]) -> None:
    vectors = gapped_words(np.zeros(shape, dtype=np.int8))
    assert vectors.shape[0] == shape[0]
    assert vectors.nnz == 0


def test_gapped_words_of_unknown_bases_are_no_words() -> None:
    assert gapped_words(np.full((4, 15), -1, dtype=np.int8)).nnz == 0


# neighbours


def unit_rows(rng: np.random.Generator, n: int, features: int) -> np.ndarray:
    rows = rng.random((n, features)) * (rng.random((n, features)) < 0.3)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


@pytest.mark.parametrize(("n", "k"), [(40, 5), (700, 15), (6, 15), (2, 1)])
def test_neighbours_are_those_of_a_full_table(n: int, k: int) -> None:
    rows = unit_rows(np.random.default_rng(2), n, 50).astype(np.float32)
    cosine = (rows @ rows.T).astype(np.float64)
    np.fill_diagonal(cosine, -1)
    expected = np.zeros((n, n))
    for i in range(n):
        for j in np.argsort(-cosine[i])[: min(k, n - 1)]:
            if cosine[i, j] > 0:
                expected[i, j] = expected[j, i] = cosine[i, j]
    graph = neighbour_graph(sp.csr_matrix(rows), k)
    np.testing.assert_allclose(graph.toarray(), expected, atol=1e-6)
    assert (graph != graph.T).nnz == 0


@pytest.mark.parametrize("n", [0, 1])
def test_no_or_one_seqlet_has_no_neighbours(n: int) -> None:
    graph = neighbour_graph(sp.csr_matrix(np.ones((n, 3), dtype=np.float32)))
    assert graph.shape == (n, n)
    assert graph.nnz == 0


# communities


def test_separate_cliques_are_the_communities_largest_first_whatever_the_seed() -> None:
    sizes = [8, *range(5, 21)]
    block = sp.block_diag([np.ones((s, s)) - np.eye(s) for s in sizes]).tocsr()
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
    expected = [order.index(i) for i, s in enumerate(sizes) for _ in range(s)]
    for seed in range(2):
        found = find_communities(block, seed)
        assert found.label.tolist() == expected
        assert found.stability == 1.0


def test_where_nothing_is_alike_everyone_is_alone() -> None:
    assert find_communities(sp.csr_matrix((4, 4))).label.tolist() == [0, 1, 2, 3]
    assert len(find_communities(sp.csr_matrix((0, 0))).label) == 0


def test_communities_of_noise_are_less_stable_than_those_of_cliques() -> None:
    noise = neighbour_graph(gapped_words(bases(np.random.default_rng(3), 300, 15)))
    assert 0 < find_communities(noise).stability < 0.8


# best places


def plain_best(region: str, log_odds: np.ndarray) -> tuple[float, int, bool]:
    """Highest score, its first column and strand, of a seqlet with `HANG_BP` on either side."""
    width = log_odds.shape[1]
    text = "N" * HANG_BP + region + "N" * HANG_BP
    best: tuple[float, int, bool] | None = None
    for flipped in (False, True):
        odds = log_odds[::-1, ::-1] if flipped else log_odds
        for start in range(len(text) - width + 1):
            here = text[start : start + width]
            score = sum(odds["ACGT".index(c), i] for i, c in enumerate(here) if c != "N")
            if best is None or score > best[0]:
                best = (float(score), start, flipped)
    assert best is not None
    return best


def test_best_places_are_those_of_a_slow_search() -> None:
    rng = np.random.default_rng(4)
    texts = [letters(bases(rng, n, blank=0.05)) for n in rng.integers(16, 60, 60)]
    # seqlets of different widths, at the very ends of units and within them
    wide = [int(rng.integers(6, len(t) - 5)) for t in texts]
    flank = [0 if i % 3 else 5 for i in range(len(texts))]
    ends = np.cumsum([len(t) for t in texts])
    start = ends - [len(t) for t in texts] + flank
    windows = SeqletWindows(Regions(Sequences(texts), np.arange(len(texts)), start, start + wide))
    motifs = [hundredths(rng.normal(0, 1.2, (4, w))) for w in (5, 8, 12, 14)]
    places = windows.best(motifs)
    for i, text in enumerate(texts):
        seqlet = text[flank[i] : flank[i] + wide[i]]
        for m, odds in enumerate(motifs):
            if odds.shape[1] > wide[i] + 2 * HANG_BP:
                assert places.score[i, m] < -10_000
                continue
            found = (places.score[i, m], places.start[i, m], places.flipped[i, m])
            assert found == plain_best(seqlet, odds), (i, m)


def test_of_equal_places_the_first_unturned_one_is_taken() -> None:
    odds = hundredths(np.log2(np.where(np.eye(4)[[0, 3, 0, 3]].T, 0.97, 0.01) / 0.25))
    places = SeqletWindows(table(["CCCATATCCCATATCCC"])).best([odds])
    assert places.start[0, 0] == HANG_BP + 3
    assert not places.flipped[0, 0]


def test_a_seqlets_score_does_not_depend_on_the_strand_nor_on_who_is_beside_it() -> None:
    rng = np.random.default_rng(5)
    texts = [letters(bases(rng, n)) for n in rng.integers(15, 30, 40)]
    motifs = [hundredths(rng.normal(0, 1.2, (4, w))) for w in (6, 11)]
    scores = SeqletWindows(table(texts)).best(motifs).score
    turned = SeqletWindows(table([reverse_complement(t) for t in texts])).best(motifs).score
    alone = np.concatenate([SeqletWindows(table([t])).best(motifs).score for t in texts])
    np.testing.assert_array_equal(scores, turned)
    np.testing.assert_array_equal(scores, alone)
    assert (scores == np.rint(scores)).all()


def test_many_seqlets_score_as_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    windows = SeqletWindows(table([letters(bases(rng, 20)) for _ in range(50)]))
    motifs = [hundredths(rng.normal(0, 1, (4, 8))) for _ in range(3)]
    whole = windows.best(motifs)
    monkeypatch.setattr("nucel_interp.motifs.seqlet_windows._CHUNK", 5_000)
    parts = windows.best(motifs)
    for name in ("score", "start", "flipped"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_no_motif_or_no_seqlet_has_no_place() -> None:
    windows = SeqletWindows(table(["ACGTACGTACGT"]))
    assert windows.best([]).score.shape == (1, 0)
    nothing = windows.take(np.zeros(0, dtype=np.int64))
    assert nothing.best([np.ones((4, 6))]).score.shape == (0, 1)
    empty = np.zeros(0, dtype=np.int64)
    assert len(SeqletWindows(Regions(Sequences([]), empty, empty, empty))) == 0


def test_sites_are_read_on_the_motifs_strand_beyond_the_seqlet_but_not_beyond_the_unit() -> None:
    word = np.array([0, 0, 2, 1, 3, 2])  # AAGCTG
    odds = np.full((4, 6), -200.0)
    odds[word, np.arange(6)] = 200
    texts = ["GGCAAGCTGTTC", "GGCAGCTTATTC"]  # as it is, and CAGCTT turned
    windows = SeqletWindows(table(texts, flank=2))
    places = windows.best([odds])
    assert places.flipped[:, 0].tolist() == [False, True]
    sites = windows.sites(np.array([0, 1]), places, 0, 6)
    assert [letters(s) for s in sites] == ["AAGCTG", "AAGCTG"]
    grown = windows.sites(np.array([0, 1]), places, 0, 6, grow=4)
    assert [letters(s) for s in grown] == ["NGGCAAGCTGTTCN", "GAATAAGCTGCCNN"]


# order and strand of seqlets


def test_canonical_regions_hold_the_same_seqlets_on_the_smaller_strand() -> None:
    rng = np.random.default_rng(7)
    texts = [letters(bases(rng, n, blank=0.02)) for n in (20, 33, 41)]
    unit = np.array([0, 1, 1, 2])
    start = np.array([3, 22, 30, 60])
    regions = Regions(Sequences(texts), unit, start, start + np.array([8, 9, 10, 11]))
    canonical = canonical_regions(regions)
    given, stored = "".join(texts), "".join(canonical.sequences)
    assert list(canonical.sequences) == [min(t, reverse_complement(t)) for t in texts]
    for i in range(4):
        text = given[regions.start[i] : regions.end[i]]
        kept = stored[canonical.start[i] : canonical.end[i]]
        flipped = canonical.sequences[unit[i]] != texts[unit[i]]
        assert kept == (reverse_complement(text) if flipped else text)
    back = on_given_strand(regions, unit, canonical.start, canonical.end - canonical.start)
    assert back.tolist() == regions.start.tolist()


def test_canonical_order_is_by_text_then_place_even_among_equal_units() -> None:
    def in_order(texts: list[str], places: list[list[int]]) -> list[tuple[str, int]]:
        unit = np.repeat(np.arange(len(texts)), [len(p) for p in places])
        within = np.concatenate([np.array(p) for p in places])
        start = within + np.concatenate([[0], np.cumsum([len(t) for t in texts])])[unit]
        rows = canonical_order(Regions(Sequences(texts), unit, start, start + 4))
        return [(texts[unit[i]], int(within[i])) for i in rows]

    one = in_order(["CCGATTACAG", "AAGATTACAG", "CCGATTACAG"], [[5, 1], [2], [3]])
    two = in_order(["CCGATTACAG", "CCGATTACAG", "AAGATTACAG"], [[3], [1, 5], [2]])
    assert one == two == [("AAGATTACAG", 2), *(("CCGATTACAG", i) for i in (1, 3, 5))]


# refinement


def test_log_odds_are_whole_hundredths_with_two_pseudo_sites() -> None:
    counts = np.array([[8.0, 0], [0, 5], [0, 5], [2, 0]])
    odds = log_odds(counts, RICH_IN_AT)
    p = (counts + PSEUDOCOUNT * RICH_IN_AT[:, None]) / (10 + PSEUDOCOUNT)
    np.testing.assert_array_equal(odds, np.round(100 * np.log2(p / RICH_IN_AT[:, None])))
    assert odds[0, 0] == round(100 * np.log2((8 + 0.7) / 12 / 0.35))


def test_a_member_is_scored_by_the_matrix_of_all_others() -> None:
    rng = np.random.default_rng(8)
    stack = bases(rng, 15, 7, blank=0.1)
    group = Group(stack, np.arange(15))
    found = _scores_without_self(stack, group.counts(), RICH_IN_AT)
    for i in range(15):
        others = Group(np.delete(stack, i, axis=0), np.arange(14))
        odds = log_odds(others.counts(), RICH_IN_AT)
        expected = sum(odds[b, j] for j, b in enumerate(stack[i]) if b >= 0)
        assert found[i] == expected


def test_the_threshold_is_the_lowest_that_the_null_allows() -> None:
    scores = np.arange(40, 0, -1).astype(np.float32)
    null = np.array([30.0, 20.0, 12.0, 11.0, 10.0], dtype=np.float32)
    # 5 % of twenty members are one stranger, the one at 30; of 28 at 13 they are fewer than two
    assert _threshold(scores, null, 1.0, Tolerance(0.05)) == 21.0
    # two from the start, and the third is at 12
    assert _threshold(scores, null, 1.0, Tolerance(0.0, 2.0)) == 13.0
    # too many above 30 do not matter if the group below is large: 10 % of 30 are the three above
    assert _threshold(scores, np.full(3, 35, np.float32), 1.0, Tolerance(0.1)) == 1.0
    # half as many are expected
    assert _threshold(scores, null, 0.5, Tolerance(0.0, 2.0)) == 11.0
    assert _threshold(scores, null[:0], 1.0, Tolerance(0.0)) == 1.0
    # nine members are too few, however far above the null
    assert _threshold(scores[:9], null, 1.0, Tolerance(0.5, 9.0)) is None
    assert _threshold(scores, scores + 1, 1.0, Tolerance(0.1)) is None


def test_who_competes_with_whom() -> None:
    total = np.array([[3, 2, 9], [1, 5, 2], [4, 4, 4]], dtype=np.float32)
    everyone = _won(total, None)
    assert [everyone(m).tolist() for m in range(3)] == [
        [False, False, True], [False, True, False], [True, False, False],
    ]  # fmt: skip
    nobody = _won(total, 0)
    assert all(nobody(m).all() for m in range(3))
    # fresh ones take from the old only, and not from each other; ties stay with the old
    old = _won(total, 1)
    assert old(0).all()
    assert old(1).tolist() == [False, True, False]
    assert old(2).tolist() == [True, True, False]


def motif_group(word: str, n: int, first_row: int = 0) -> Group:
    codes = np.array(["ACGT".index(c) for c in word], dtype=np.int8)
    return Group(np.tile(codes, (n, 1)), np.arange(first_row, first_row + n))


def test_groups_that_look_alike_are_one_on_either_strand_and_the_larger_stays() -> None:
    word = "ACCGTTAG"
    small, large = motif_group(word, 12), motif_group(reverse_complement(word), 30, 50)
    other = motif_group("TTTGCACC", 20, 100)
    kept = merged([small, other, large], UNIFORM)
    assert [len(g.rows) for g in kept] == [30, 20]


def test_groups_that_share_half_their_seqlets_are_one() -> None:
    a, b = motif_group("ACCGTTAG", 30), motif_group("TTTGCACC", 20, 19)
    assert [len(g.rows) for g in distinct([b, a], UNIFORM)] == [30]  # 11 of 20
    c = motif_group("TTTGCACC", 20, 20)
    assert [len(g.rows) for g in distinct([c, a], UNIFORM)] == [30, 20]  # 10 of 20
    assert distinct([], UNIFORM) == []


def test_a_stack_is_cut_to_its_informative_columns() -> None:
    rng = np.random.default_rng(9)
    core = np.tile(np.array([0, 3, 2, 2, 1, 0, 1], dtype=np.int8), (50, 1))
    stack = np.concatenate([bases(rng, 50, 4), core, bases(rng, 50, 4)], axis=1)
    trimmed = _trimmed(stack, UNIFORM, 7)
    assert trimmed is not None
    np.testing.assert_array_equal(trimmed, core)
    assert _trimmed(bases(rng, 200, 15), UNIFORM, 7) is None


def test_of_too_many_informative_columns_those_about_the_middle_stay() -> None:
    stack = np.tile(bases(np.random.default_rng(16), 33), (50, 1))
    for middle, first in ((16, 4), (0, 0), (14, 2), (32, 8)):
        trimmed = _trimmed(stack, UNIFORM, middle)
        assert trimmed is not None
        np.testing.assert_array_equal(trimmed, stack[:, first : first + 25])


def test_a_stack_with_a_short_core_keeps_five_columns() -> None:
    rng = np.random.default_rng(10)
    stack = bases(rng, 100, 9)
    stack[:, 0] = 2
    trimmed = _trimmed(stack, UNIFORM, 4)
    assert trimmed is not None
    np.testing.assert_array_equal(trimmed, stack[:, :5])


def test_a_motif_grows_no_further_than_half_of_its_sites_have_room_for() -> None:
    repeat = letters(bases(np.random.default_rng(17), 60))
    texts = [repeat] * 20  # everything is alike, and the table is 10 + 2 * HANG_BP wide
    windows = SeqletWindows(table(texts, flank=25))
    codes = np.array(["ACGT".index(c) for c in repeat[25:35]])
    odds = np.full((4, 10), -200.0)
    odds[codes, np.arange(10)] = 200
    places = windows.best([odds])
    rows = np.arange(20)
    before, after = windows.room(rows, places, 0, 10)
    assert (before == HANG_BP).all()
    assert (after == HANG_BP).all()
    grown = _regrown(windows, rows, places, 0, 10, UNIFORM)
    assert grown is not None
    assert letters(grown[0]) == repeat[21:39]
    places = windows.best([log_odds(Group(grown, rows).counts(), UNIFORM)])
    again = _regrown(windows, rows, places, 0, 18, UNIFORM)
    np.testing.assert_array_equal(again, grown)


def test_room_is_told_on_the_motifs_strand() -> None:
    word = "AAGCTG"
    odds = np.full((4, 6), -200.0)
    odds[["ACGT".index(c) for c in word], np.arange(6)] = 200
    windows = SeqletWindows(table(["C" + word + "TTC", "C" + reverse_complement(word) + "TTC"]))
    before, after = windows.room(np.arange(2), windows.best([odds]), 0, 6)
    assert (before - HANG_BP).tolist() == [1, 3]
    assert (after - HANG_BP).tolist() == [3, 1]


# alignment


def plain_align(a: np.ndarray, b: np.ndarray) -> list[tuple[float, int, bool]]:
    """Every alignment allowed, column by column."""
    found = []
    for flipped in (False, True):
        second = b[::-1, ::-1] if flipped else b
        for offset in range(-30, 31):
            pairs = [(i, i - offset) for i in range(a.shape[1]) if 0 <= i - offset < b.shape[1]]
            if len(pairs) < min(MIN_OVERLAP, a.shape[1], b.shape[1]):
                continue
            dot = sum(float((a[:, i] - 0.25) @ (second[:, j] - 0.25)) for i, j in pairs)
            scale = np.sqrt(((a - 0.25) ** 2).sum() * ((b - 0.25) ** 2).sum())
            found.append((dot / scale, offset, flipped))
    return found


@pytest.mark.parametrize(("m", "n"), [(8, 8), (6, 13), (13, 6), (4, 9), (3, 2), (5, 5)])
def test_alignment_is_the_best_of_all_offsets_and_strands(m: int, n: int) -> None:
    rng = np.random.default_rng(m * 100 + n)
    for _ in range(5):
        a, b = random_pwm(rng, m), random_pwm(rng, n)
        best = max(plain_align(a, b), key=lambda f: f[0])
        found = align(a, b)
        assert found.similarity == pytest.approx(best[0], abs=1e-9)
        assert (found.offset, found.flipped) == best[1:]


def test_alignment_finds_a_shifted_turned_copy() -> None:
    rng = np.random.default_rng(11)
    a = random_pwm(rng, 12)
    found = align(a, turned_pwm(a[:, 3:10]))
    assert (found.offset, found.flipped) == (3, True)
    assert align(a, a).similarity == pytest.approx(1)
    assert align(a, a).offset == 0


def test_alignment_of_a_flat_matrix_is_no_likeness() -> None:
    flat = np.full((4, 6), 0.25)
    assert align(flat, random_pwm(np.random.default_rng(12), 8)).similarity == 0
    assert most_alike(flat, []) == (-1, -1.0)


# words as seeds


def plain_words_held(codes: np.ndarray, k: int) -> dict[str, set[int]]:
    held = defaultdict(set)
    for row, text in enumerate(map(letters, codes)):
        for i in range(len(text) - k + 1):
            word = text[i : i + k]
            if "N" not in word:
                held[min(word, reverse_complement(word))].add(row)
    return held


def plain_enriched(codes: np.ndarray, null: np.ndarray) -> list[tuple[str, list[int]]]:
    found = []
    for k in (6, 7, 8):
        shuffled = plain_words_held(null, k)
        for word, rows in plain_words_held(codes, k).items():
            expected = (len(shuffled.get(word, ())) + 1) * len(codes) / len(null)
            z = (len(rows) - expected) / np.sqrt(expected)
            if z >= MIN_Z:
                found.append((-z, k, word, rows))
    taken: set[int] = set()
    kept = []
    for _, _, word, rows in sorted(found):
        if len(rows & taken) / len(rows) <= 0.5:
            taken |= rows
            kept.append((word, sorted(rows)))
    return kept


def test_enriched_words_are_those_of_a_slow_count() -> None:
    rng = np.random.default_rng(13)
    codes, null = bases(rng, 120, 15, blank=0.01), bases(rng, 300, 15, blank=0.01)
    for first, word in ((0, "TGACTCAT"), (30, "GGGCGG"), (60, "CCACGTG")):
        for row in range(first, first + 25):
            codes[row, 4 : 4 + len(word)] = ["ACGT".index(c) for c in word]
        codes[first : first + 10] = other_strand(codes[first : first + 10])
    expected = plain_enriched(codes, null)
    found = enriched_words(codes, null)
    assert [(letters(w), rows.tolist()) for w, rows in found] == expected
    assert len(found) >= 3


def test_enriched_words_without_seqlets_or_null_are_none() -> None:
    rng = np.random.default_rng(14)
    none = np.zeros((0, 15), dtype=np.int8)
    assert enriched_words(none, bases(rng, 5, 15)) == []
    assert enriched_words(bases(rng, 50, 15), none) == []
    assert enriched_words(bases(rng, 50, 5), bases(rng, 50, 5)) == []


def test_canonical_words_read_the_same_on_both_strands() -> None:
    codes = bases(np.random.default_rng(15), 10, 14, blank=0.05)
    np.testing.assert_array_equal(
        canonical_words(codes, 6), canonical_words(other_strand(codes), 6)[:, ::-1]
    )


def test_the_commonest_word_is_counted_once_per_seqlet() -> None:
    codes = np.array(
        [["ACGT".index(c) for c in t] for t in ("AAAAAAAAAAAA", "CGATTACGTCTC", "GATTACTTCTGC")],
        dtype=np.int8,
    )
    word = commonest_word(codes, 6)
    assert word is not None
    assert letters(word) == "GATTAC"
    assert commonest_word(codes[:, :5], 6) is None
    assert letters(word_letters(0b00_01_10_11, 4)) == "ACGT"
