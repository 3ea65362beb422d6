import itertools

import numpy as np
import pytest

from nucel_interp.errors import InputError
from nucel_interp.motifs.pvalue import score_table
from nucel_interp.motifs.pwm import (
    consensus,
    from_counts,
    information,
    log_odds,
    reverse_complement,
    total_information,
    trim,
)
from nucel_interp.types import reverse_complement as reverse_complement_text


def one_hot(text):
    return np.array([[float(letter == base) for letter in text] for base in "ACGT"])


def test_consensus():
    assert consensus(one_hot("ACGTTGCA")) == "ACGTTGCA"
    columns = {
        "A": [0.6, 0.25, 0.15, 0], "R": [0.5, 0, 0.5, 0], "Y": [0, 0.5, 0, 0.5],
        "M": [0.5, 0.4, 0.1, 0], "K": [0, 0.1, 0.4, 0.5], "S": [0.1, 0.45, 0.45, 0],
        "W": [0.45, 0.05, 0.05, 0.45], "V": [0.34, 0.33, 0.33, 0], "H": [0.34, 0.33, 0, 0.33],
        "D": [0.34, 0, 0.33, 0.33], "B": [0, 0.34, 0.33, 0.33], "N": [0.25] * 4,
    }  # fmt: skip
    assert consensus(np.array(list(columns.values())).T) == "".join(columns)


def test_reverse_complement_agrees_with_its_text():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pwm = rng.dirichlet([0.2] * 4, size=9).T
        turned = reverse_complement(pwm)
        assert consensus(turned) == reverse_complement_text(consensus(pwm))
        np.testing.assert_array_equal(reverse_complement(turned), pwm)


def test_information():
    pwm = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4]).T
    np.testing.assert_allclose(information(pwm), [2, 1, 0], atol=1e-12)
    assert total_information(pwm) == pytest.approx(3)


def test_trim():
    flat = np.full((4, 2), 0.25)
    core = one_hot("ACG")
    gap = np.full((4, 1), 0.25)
    kept, cut = trim(np.hstack([flat, core, gap, core, flat, flat]), bits=0.3)
    assert (consensus(kept), cut) == ("ACGNACG", 2)
    assert trim(core)[0].shape == (4, 3)
    kept, cut = trim(flat)
    assert (kept.shape, cut) == ((4, 0), 0)


def test_from_counts():
    counts = np.array([[8, 0], [0, 0], [0, 10], [2, 0]])
    np.testing.assert_allclose(from_counts(counts, 0)[:, 0], [0.8, 0, 0, 0.2])
    np.testing.assert_allclose(
        from_counts(counts, 2, [0.4, 0.1, 0.1, 0.4])[:, 1],
        [0.8 / 12, 0.2 / 12, 10.2 / 12, 0.8 / 12],
    )
    with pytest.raises(InputError, match="Column 1 has no counts"):
        from_counts(np.array([[1, 0]] * 4), 0)
    with pytest.raises(InputError, match="at least 0"):
        from_counts(-np.ones((4, 2)))
    with pytest.raises(InputError, match="Transpose"):
        from_counts(np.ones((5, 4)))


def test_log_odds_is_fimos_definition():
    pwm = np.array([[1, 0, 0, 0.0]]).T
    background = np.array([0.3, 0.2, 0.2, 0.3])
    expected = np.log2((10 * pwm[:, 0] + 0.1 * background) / 10.1 / background)
    np.testing.assert_allclose(log_odds(pwm, background, 0.1, 10)[:, 0], expected)
    assert log_odds(pwm, pseudocount=0)[1, 0] == -np.inf
    with pytest.raises(InputError, match="four frequencies"):
        log_odds(pwm, [0.5, 0.5, 0, 0])


@pytest.mark.parametrize("background", [None, [0.35, 0.2, 0.15, 0.3]])
def test_score_table_against_every_word(background):
    rng = np.random.default_rng(1)
    b = np.full(4, 0.25) if background is None else np.array(background)
    scores = log_odds(rng.dirichlet([0.4] * 4, size=6).T, background)
    table = score_table(scores, background)
    words = np.array(list(itertools.product(range(4), repeat=6)))
    chance = b[words].prod(axis=1)
    totals = table.scores[words, np.arange(6)].sum(axis=1)
    expected = np.array([chance[totals >= total].sum() for total in totals])
    np.testing.assert_allclose(table.p(totals), expected, rtol=1e-9)
    assert np.abs(totals * table.step - scores[words, np.arange(6)].sum(axis=1)).max() <= 0.03
    cutoff = table.cutoff(0.01)
    assert table.p(np.array(cutoff)) < 0.01 <= table.p(np.array(cutoff - 1))
    assert table.cutoff(1e-9) is None
    assert table.tail[0] == pytest.approx(1)
