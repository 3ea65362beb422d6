"""The substitution map: the plain definition, both strands, N, windows, company."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.scoring import substitution
from nucel_interp.scoring.substitution import hypothetical_contributions, substitution_map
from nucel_interp.types import BASES, reverse_complement
from nucel_model import FolderError, Nucel
from tests.toy import dna, logits, tiny


def one_at_a_time(model: Nucel, sequence: str) -> np.ndarray:
    """The definition, word for word, on one strand."""
    out = np.full((len(sequence), 4), np.nan)
    for j, letter in enumerate(sequence):
        if letter in BASES:
            for b, base in enumerate(BASES):
                out[j, b] = logits(model, sequence[:j] + base + sequence[j + 1 :])[j]
    return out


@pytest.mark.parametrize("sequence", [dna(30), "NAC" + dna(9, 1) + "NNR" + dna(5, 2), "A"])
def test_one_strand_is_the_definition(sequence: str) -> None:
    model = tiny()
    (got,) = substitution_map(model, [sequence], strands="forward")
    want = one_at_a_time(model, sequence)
    np.testing.assert_allclose(got, want, atol=1e-5)
    known = want[~np.isnan(want).any(axis=1)]
    assert np.ptp(known, axis=1).max() > 0.05  # bases do differ


def test_both_strands_are_the_mean_of_each() -> None:
    model, sequence = tiny(), dna(20) + "N" + dna(7, 1)
    (got,) = substitution_map(model, [sequence])
    other = one_at_a_time(model, reverse_complement(sequence))[::-1, ::-1]
    np.testing.assert_allclose(got, (one_at_a_time(model, sequence) + other) / 2, atol=1e-5)


@pytest.mark.parametrize("length", [25, 150])
def test_the_other_strand_gives_the_turned_map_bit_for_bit(length: int) -> None:
    model, sequence = tiny(), dna(length) + "N" + dna(5, 1)
    (forward,) = substitution_map(model, [sequence])
    (turned,) = substitution_map(model, [reverse_complement(sequence)])
    np.testing.assert_array_equal(turned[::-1, ::-1], forward)


def test_the_column_of_the_base_that_stands_there_is_the_unchanged_sequence() -> None:
    model, sequence = tiny(), dna(40)
    (got,) = substitution_map(model, [sequence], strands="forward")
    own = got[np.arange(40), [BASES.index(c) for c in sequence]]
    np.testing.assert_allclose(own, logits(model, sequence), atol=1e-5)


def test_company_order_and_batch_size_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    sequences = [dna(n, n) for n in (20, 3, 70)]
    together = substitution_map(model, sequences)
    for got, want in zip(substitution_map(model, sequences[::-1])[::-1], together, strict=True):
        np.testing.assert_array_equal(got, want)
    monkeypatch.setattr(substitution, "TOKENS_PER_BATCH", 1)  # one variant at a time
    for got, want in zip(substitution_map(model, sequences), together, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_span_has_the_whole_sequence_as_context() -> None:
    model, sequence = tiny(), dna(50)
    (whole,) = substitution_map(model, [sequence])
    (part,) = substitution_map(model, [sequence], spans=[(10, 30)])
    np.testing.assert_allclose(part[10:30], whole[10:30], atol=1e-5)
    assert np.isnan(part[:10]).all()
    assert np.isnan(part[30:]).all()
    (nothing,) = substitution_map(model, [sequence], spans=[(7, 7)])
    assert np.isnan(nothing).all()


def test_long_sequences_are_read_in_windows_and_every_base_once() -> None:
    model, sequence = tiny(context=64), dna(150)
    seen: list[int] = []
    (got,) = substitution_map(model, [sequence], strands="forward", on_progress=seen.append)
    assert sum(seen) == 150
    assert np.isfinite(got).all()
    # windows begin at 0, 32, ...; base 40 lies in the middle half of the first
    np.testing.assert_allclose(got[40], one_at_a_time(model, sequence[:64])[40], atol=1e-5)


@pytest.mark.parametrize("span", [(-1, 5), (5, 4), (0, 11)])
def test_a_span_outside_the_sequence_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="sequence of 10 bases"):
        substitution_map(tiny(), [dna(10)], spans=[span])


def test_without_the_head_there_is_no_map() -> None:
    with pytest.raises(FolderError, match="no discriminator head"):
        substitution_map(tiny(head=False), [dna(10)])


def test_contributions_prefer_what_looks_original_and_sum_to_zero() -> None:
    s = np.array([[0.0, 3.0, 1.0, 0.0], [np.nan] * 4])
    got = hypothetical_contributions(s)
    assert got[0].tolist() == [1.0, -2.0, 0.0, 1.0]
    assert np.isnan(got[1]).all()
    relative = s - s[:, [1]]  # counted from the reference base
    np.testing.assert_array_equal(hypothetical_contributions(relative), got)
