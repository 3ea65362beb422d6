import builtins
import itertools

import numpy as np
import pytest

from nucel_interp.errors import InputError
from nucel_interp.motifs import scan as module
from nucel_interp.motifs.pwm import log_odds
from nucel_interp.motifs.scan import Scanner, scan, scanner, strand_background
from nucel_interp.types import Motif, reverse_complement
from tests.toy import random_sequences

ENGINES = ["pymemesuite", "memelite"]
CODE = {base: i for i, base in enumerate("ACGT")}


@pytest.fixture(params=ENGINES)
def engine(request):
    pytest.importorskip(request.param)
    return request.param


def sharp(text, n_sites=100):
    columns = [[0.97 if base == letter else 0.01 for base in "ACGT"] for letter in text]
    return Motif("sharp", np.array(columns).T, n_sites=n_sites)


def soft(width, seed, alpha=0.4):
    return Motif("soft", np.random.default_rng(seed).dirichlet([alpha] * 4, size=width).T)


def places(sites):
    return [(site.record, site.start, site.end, site.strand) for site in sites]


def plain_sites(motif, sequences, threshold, background):
    """The definition: every window, its log-odds, and the share of all words at least as good."""
    w = motif.width
    scores = log_odds(motif.pwm, background, 0.1, motif.n_sites)
    words = np.array(list(itertools.product(range(4), repeat=w)))
    chance = np.asarray(background)[words].prod(axis=1)
    best_first = np.argsort(-scores[words, np.arange(w)].sum(axis=1))
    totals = scores[words, np.arange(w)].sum(axis=1)[best_first]
    p_values = np.cumsum(chance[best_first])
    found = {}
    for record, sequence in enumerate(sequences):
        for start in range(len(sequence) - w + 1):
            window = sequence[start : start + w].upper()
            if set(window) - set("ACGT"):
                continue
            for strand, text in (("+", window), ("-", reverse_complement(window))):
                score = sum(scores[CODE[base], i] for i, base in enumerate(text))
                p = p_values[np.searchsorted(-totals, -score + 1e-9, side="right") - 1]
                if p < threshold:
                    found[record, start, start + w, strand] = (score, p)
    return found


@pytest.mark.parametrize("background", [[0.25] * 4, [0.32, 0.18, 0.18, 0.32]])
@pytest.mark.parametrize("width", [5, 8])
def test_against_the_plain_definition(engine, width, background):
    motif = soft(width, width)
    sequences = [*random_sequences(20, 200, 1), "ACGTNNACGTRACGTTTTACGCA" * 5, "AC", ""]
    expected = plain_sites(motif, sequences, 0.01, background)
    found = Scanner(sequences, background, engine).scan(motif, 0.01)
    got = {place: (s.score, s.p) for place, s in zip(places(found), found, strict=True)}
    # scores are rounded to 0.01 bits before counting, so p may differ by a few per cent and
    # a site may fall on the other side of the threshold if it is that near
    for place in set(got) ^ set(expected):
        assert 0.009 < (got.get(place) or expected[place])[1] < 0.011
    assert len(set(got) & set(expected)) > 30
    for place in set(got) & set(expected):
        assert got[place][0] == pytest.approx(expected[place][0], abs=1e-9)
        assert got[place][1] == pytest.approx(expected[place][1], rel=0.1)


@pytest.mark.parametrize("background", [None, [0.3, 0.2, 0.2, 0.3], [0.4, 0.1, 0.2, 0.3]])
@pytest.mark.parametrize("width", [6, 11, 19, 33])
def test_both_engines_report_the_same(width, background):
    pytest.importorskip("pymemesuite")
    sequences = random_sequences(100, 2000, width)
    motif = soft(width, width + 1)
    one, two = (Scanner(sequences, background, name).scan(motif) for name in ENGINES)
    assert places(one) == places(two)
    np.testing.assert_allclose([s.p for s in one], [s.p for s in two], rtol=1e-6)
    assert [s.score for s in one] == [s.score for s in two]
    if width > 6:
        assert len(one) > 10


def test_last_window_and_both_strands(engine):
    motif = sharp("GATTACAGG")
    other = reverse_complement("GATTACAGG")
    sequences = [
        "GATTACAGG", other, "CCCC" + "GATTACAGG", "CCCC" + other, "GATTACAGG" + "CCCC",
        "GATTACAGG" + other, "C" * 50,
    ]  # fmt: skip
    sites = Scanner(sequences, engine=engine).scan(motif)
    assert places(sites) == [
        (0, 0, 9, "+"), (1, 0, 9, "-"), (2, 4, 13, "+"), (3, 4, 13, "-"), (4, 0, 9, "+"),
        (5, 0, 9, "+"), (5, 9, 18, "-"),
    ]  # fmt: skip
    assert all(site.p == pytest.approx(4.0**-9, rel=0.01) for site in sites)
    assert all(site.score == pytest.approx(9 * np.log2(0.97 * 4), rel=0.01) for site in sites)


@pytest.mark.parametrize("length", [18, 19, 1000, 100_003])
def test_first_and_last_window_of_any_length_on_both_strands(engine, length):
    word, other = "GATTACAGG", reverse_complement("GATTACAGG")
    middle = "C" * (length - 18)
    sequences = [a + middle + b for a in (word, other) for b in (word, other)]
    sites = Scanner(sequences, engine=engine).scan(sharp(word))
    last = length - 9
    assert places(sites) == [
        (i, start, start + 9, "+" if text == word else "-")
        for i, (a, b) in enumerate((a, b) for a in (word, other) for b in (word, other))
        for start, text in ((0, a), (last, b))
    ]


def test_a_palindrome_is_found_on_both_strands(engine):
    sites = Scanner(["TTGAATTCGAATTCTT"], engine=engine).scan(sharp("GAATTCGAATTC"))
    assert places(sites) == [(0, 2, 14, "+"), (0, 2, 14, "-")]


def test_no_window_crosses_records_or_other_letters(engine):
    motif = sharp("GATTACAGG")
    sequences = ["AAGATTA", "CAGGAA", "GATTNCAGG", "GATTRCAGG", "GATTACAG", "", "gattacagg"]
    assert places(Scanner(sequences, engine=engine).scan(motif)) == [(6, 0, 9, "+")]
    assert Scanner(["GAT-ACAGG", "GATTÄCAGG"], engine=engine).scan(motif) == []
    assert len(Scanner(["GAUUACAGG"], engine=engine).scan(motif)) == 1
    assert Scanner([], engine=engine).scan(motif) == []
    assert Scanner(["N" * 500], engine=engine).scan(motif, 1.0) == []


def test_motifs_that_cannot_have_sites(engine):
    scanner = Scanner(random_sequences(2, 100, 0), engine=engine)
    assert scanner.scan(Motif("flat", np.full((4, 10), 0.25)), 1.0) == []
    assert scanner.scan(Motif("none", np.zeros((4, 0))), 1.0) == []
    # 4^-4 is above the threshold
    assert scanner.scan(sharp("ACGT")) == []


def test_nothing_is_dropped_however_many_sites(engine):
    sequences = random_sequences(1, 120_000, 3)
    sites = Scanner(sequences, engine=engine).scan(soft(4, 0), 1.0)
    # every window but those with the very worst score, on both strands
    assert len(sites) > 230_000


def test_false_positives_match_the_threshold(engine):
    sites = Scanner(random_sequences(1000, 1000, 4), engine=engine).scan(soft(12, 5), 1e-3)
    assert 1750 < len(sites) < 2250


def test_background_changes_the_score(engine):
    motif = sharp("AAAATTTT")
    sequences = ["CC" + "AAAATTTT" + "CC"]
    even = Scanner(sequences, None, engine).scan(motif, 1e-3)[0]
    rich = Scanner(sequences, [0.4, 0.1, 0.1, 0.4], engine).scan(motif, 1e-3)[0]
    assert rich.score < even.score
    assert rich.p == pytest.approx(0.4**8, rel=0.02)


def test_strand_background():
    np.testing.assert_allclose(strand_background(["AAAN", "cc"], 0), [0.3, 0.2, 0.2, 0.3])
    np.testing.assert_allclose(strand_background([]), [0.25] * 4)


def test_function_and_class_agree(engine, monkeypatch):
    monkeypatch.setattr(module, "scanner", lambda: (engine, ""))
    sequences = random_sequences(5, 500, 6)
    motif = soft(8, 7)
    assert scan(motif, sequences, 1e-2) == Scanner(sequences).scan(motif, 1e-2)


def test_scanner_names_engine_and_reason(monkeypatch):
    name, reason = scanner()
    assert name in ENGINES
    assert name in reason
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("pymemesuite"):
            raise ImportError("no such wheel")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    scanner.cache_clear()
    try:
        name, reason = scanner()
        assert name == "memelite"
        assert "no such wheel" in reason
        assert len(scan(sharp("GATTACAGG"), ["GATTACAGG"])) == 1
    finally:
        scanner.cache_clear()


def test_bad_arguments():
    with pytest.raises(InputError, match="between 0 and 1"):
        scan(sharp("ACGT"), ["ACGT"], 0)
    with pytest.raises(InputError, match="four frequencies"):
        scan(sharp("ACGT"), ["ACGT"], 1e-4, [0, 0, 0.5, 0.5])
