"""The dependency map: the plain definition, both strands, N, and the same forward passes."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.errors import InputError
from nucel_interp.scoring import substitution
from nucel_interp.scoring.dependency import dependency_map
from nucel_interp.scoring.substitution import substitution_map
from nucel_interp.types import BASES, reverse_complement
from nucel_model import FolderError, Nucel
from tests.toy import dna, logits, tiny


def one_at_a_time(model: Nucel, sequence: str) -> np.ndarray:
    """The definition, word for word, on one strand."""
    n = len(sequence)
    out = np.full((n, n), np.nan)
    before = logits(model, sequence)
    for i, letter in enumerate(sequence):
        if letter not in BASES:
            continue
        changes = [
            np.abs(logits(model, sequence[:i] + base + sequence[i + 1 :]) - before)
            for base in BASES
            if base != letter
        ]
        for j, watched in enumerate(sequence):
            if j != i and watched in BASES:
                out[i, j] = max(change[j] for change in changes)
    return out


@pytest.mark.parametrize("sequence", [dna(24), "NAC" + dna(9, 1) + "NNR" + dna(5, 2), "A", "N", ""])
def test_one_strand_is_the_definition(sequence: str) -> None:
    model = tiny()
    (got,) = dependency_map(model, [sequence], strands="forward")
    np.testing.assert_allclose(got.dependency, one_at_a_time(model, sequence), atol=1e-5)


def test_rows_are_replaced_and_columns_watched() -> None:
    (got,) = dependency_map(tiny(), [dna(24)], strands="forward")
    assert np.nanmax(np.abs(got.dependency - got.dependency.T)) > 0.01
    assert np.nanmax(got.dependency) > 0.05


def test_both_strands_are_the_mean_of_each() -> None:
    model, sequence = tiny(), dna(15) + "N" + dna(7, 1)
    (got,) = dependency_map(model, [sequence])
    other = one_at_a_time(model, reverse_complement(sequence))[::-1, ::-1]
    want = (one_at_a_time(model, sequence) + other) / 2
    np.testing.assert_allclose(got.dependency, want, atol=1e-5)


def test_the_other_strand_gives_the_turned_map_bit_for_bit() -> None:
    model, sequence = tiny(), dna(25) + "N" + dna(5, 1)
    (forward,) = dependency_map(model, [sequence])
    (turned,) = dependency_map(model, [reverse_complement(sequence)])
    np.testing.assert_array_equal(turned.dependency[::-1, ::-1], forward.dependency)


def test_the_substitution_map_comes_from_the_same_passes_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, sequence = tiny(), dna(20) + "N" + dna(7, 1)
    passes: list[tuple[int, ...]] = []
    read = substitution.read_logits

    def counted(model: Nucel, rows: np.ndarray) -> np.ndarray:
        passes.append(rows.shape)
        return read(model, rows)

    monkeypatch.setattr(substitution, "read_logits", counted)
    (want,) = substitution_map(model, [sequence])
    alone = list(passes)
    passes.clear()
    (got,) = dependency_map(model, [sequence])
    assert passes == alone
    assert sum(rows for rows, _ in passes) == 2 * (1 + 3 * 27)
    np.testing.assert_array_equal(got.substitution, want)


def test_company_order_and_batch_size_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    sequences = [dna(n, n) for n in (20, 3, 40)]
    seen: list[int] = []
    together = dependency_map(model, sequences, on_progress=seen.append)
    assert seen == [20, 3, 40]
    for got, want in zip(dependency_map(model, sequences[::-1])[::-1], together, strict=True):
        np.testing.assert_array_equal(got.dependency, want.dependency)
    monkeypatch.setattr(substitution, "TOKENS_PER_BATCH", 100)  # a base's three in two batches
    for got, want in zip(dependency_map(model, sequences), together, strict=True):
        np.testing.assert_allclose(got.dependency, want.dependency, atol=1e-5)


def test_what_does_not_fit_the_context_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match=r"reads 64, and a sequence has 65. Cut out"):
        dependency_map(tiny(), [dna(10), dna(65)])


def test_without_the_head_there_is_no_map() -> None:
    with pytest.raises(FolderError, match=r"no discriminator head.*fit-head"):
        dependency_map(tiny(head=False), [dna(10)])
