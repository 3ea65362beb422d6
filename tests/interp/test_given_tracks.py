"""Tracks from Python: numpy's, torch's or plain lists, for every function that takes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_interp import find_kmers, find_seqlets
from nucel_interp.analysis.inputs import as_array, check_input
from nucel_interp.compare.models.user_tracks import in_windows
from nucel_interp.compare.shared.windows import cut_windows
from nucel_interp.errors import InputError
from nucel_interp.types import Record
from tests.toy import dna

LENGTHS = (60, 72, 66, 90)


@pytest.fixture
def records() -> list[Record]:
    return [Record(f"r{i}", dna(n, seed=i)) for i, n in enumerate(LENGTHS)]


@pytest.fixture
def track() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found = [rng.normal(size=n).round(2) for n in LENGTHS]
    for values in found:
        values[20:32] += 5
        values[:3] = np.nan
    return found


FORMS = {
    "float64": torch.tensor,
    "with a graph": lambda a: torch.tensor(a, requires_grad=True),
    "a view": lambda a: torch.tensor(np.stack([a, a]))[1],
    "list": list,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_seqlets_and_words(records, track, form):
    given = [FORMS[form](a) for a in track]
    for find in (find_seqlets, find_kmers) if form == "float64" else (find_seqlets,):
        wanted = find(records, track=track, null_track=track)
        got = find(records, track=given, null_track=given)
        table = "seqlets" if find is find_seqlets else "kmers"
        assert getattr(wanted, table).equals(getattr(got, table))
    assert len(find_seqlets(records, track=given).seqlets)


@pytest.mark.parametrize("form", FORMS)
def test_own_tracks_of_a_comparison_may_be_tensors(records, track, form):
    windows = cut_windows(records, 60, 0)
    wanted = in_windows({"mine": track}, records, windows)["mine"]
    got = in_windows({"mine": [FORMS[form](a) for a in track]}, records, windows)["mine"]
    np.testing.assert_array_equal(got, wanted)


def test_half_precision_and_whole_numbers_are_read():
    values = [0.5, 2.0, -1.25]
    assert as_array(torch.tensor(values, dtype=torch.bfloat16)).tolist() == values
    assert as_array(torch.tensor(values, dtype=torch.float16)).tolist() == values
    assert as_array([1, 2, 3]).dtype == np.float64
    assert as_array(np.float32(values)).dtype == np.float32


def test_a_tensor_of_another_length_or_with_infinity_is_named(records, track):
    given = [torch.tensor(a) for a in track]
    with pytest.raises(InputError, match=r"track of r2 has shape \(5,\), but the record has 66"):
        check_input(records, [*given[:2], given[2][:5], given[3]], None)
    given[1][4] = float("inf")
    with pytest.raises(InputError, match="null track of r1 holds infinity"):
        check_input(records, track, given)
