"""Units, how many copies they get, and the split into halves."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.scoring import (
    copies_per_unit,
    cut_units,
    shuffle_records,
    split_units,
    unread_copies_per_unit,
)
from nucel_interp.scoring.units import _balanced
from nucel_interp.types import Location, Record, reverse_complement
from tests.toy import dna


def plain(n: int, length: int = 50) -> list[Record]:
    return [Record(f"r{i}", dna(length, i)) for i in range(n)]


def placed(places: list[tuple[str, int]], length: int = 50) -> list[Record]:
    return [
        Record(f"r{i}", dna(length, i), Location(c, s, s + length))
        for i, (c, s) in enumerate(places)
    ]


def split(records: list[Record], seed: int = 0, longest: int = 100) -> tuple[np.ndarray, str]:
    return split_units(records, cut_units(records, longest), seed)


def test_records_are_cut_into_equal_parts_that_cover_them() -> None:
    records = [Record("a", dna(100, 0)), Record("b", dna(101, 1)), Record("c", dna(999, 2))]
    units = cut_units(records, 100)
    assert [u.record for u in units] == [0, 1, 1] + [2] * 10
    for i, record in enumerate(records):
        mine = [u for u in units if u.record == i]
        assert "".join(u.sequence for u in mine) == record.sequence
        assert [u.start for u in mine] == [0, *(u.end for u in mine[:-1])]
        sizes = [u.end - u.start for u in mine]
        assert max(sizes) <= 100
        assert max(sizes) - min(sizes) <= 1
        assert all(record.sequence[u.start : u.end] == u.sequence for u in mine)


@pytest.mark.parametrize(
    ("bases", "copies"),
    [(1, 100), (999, 100), (1_000, 100), (10_000, 10), (10_001, 10), (50_001, 2), (10**7, 2)],
)
def test_copies_give_100_kb_but_at_least_two_and_at_most_100(bases: int, copies: int) -> None:
    assert copies_per_unit(bases) == copies


@pytest.mark.parametrize(
    ("bases", "copies"),
    [(999, 100), (10_000, 10), (50_001, 10), (300_000, 10), (300_001, 9), (10**6, 3), (10**7, 2)],
)
def test_copies_that_no_model_reads_are_more(bases: int, copies: int) -> None:
    assert unread_copies_per_unit(bases) == copies


def test_each_unit_of_a_record_is_shuffled_by_itself() -> None:
    records = [Record("a", dna(250, 1)), Record("b", dna(40, 2))]
    units = cut_units(records, 100)
    first, second = shuffle_records(records, units, k=2, seed=0, copy=0)
    assert (len(first), len(second)) == (250, 40)
    for u in units[:-1]:
        assert sorted(first[u.start : u.end]) == sorted(u.sequence)
        assert first[u.start : u.end] != u.sequence


def test_by_chromosome() -> None:
    records = placed([(f"chr{i % 5}", 10**7 * i) for i in range(50)])
    test, rule = split(records)
    assert rule == "by chromosome (5 of them)"
    for c in range(5):
        assert (
            len(
                {
                    bool(t)
                    for t, r in zip(test, records, strict=True)
                    if r.location.chromosome == f"chr{c}"
                }
            )
            == 1
        )
    assert 20 <= test.sum() <= 30


def test_one_chromosome_with_most_units_falls_back_to_blocks() -> None:
    places = [("chr1", 500_000 * i) for i in range(30)] + [(f"chr{i}", 0) for i in range(2, 12)]
    test, rule = split(placed(places))
    assert rule.startswith("by blocks of 1 Mb")
    for i in range(0, 30, 2):
        assert test[i] == test[i + 1]
    assert test.sum() == 20


def test_blocks_of_one_long_record_count_from_the_chromosome() -> None:
    record = Record("a", dna(40_000, 0) * 100, Location("chr1", 900_000, 4_900_000))
    units = cut_units([record], 50_000)
    test, rule = split_units([record], units, 0)
    assert rule == "by blocks of 1 Mb (5 of them)"
    block = [(900_000 + u.start) // 1_000_000 for u in units]
    assert all(
        len({t for t, b in zip(test, block, strict=True) if b == one}) == 1 for one in set(block)
    )


def test_one_block_with_most_units_falls_back_to_the_hash() -> None:
    places = [("chr1", 1_000 * i) for i in range(37)] + [("chr1", 5_000_000 * i) for i in (1, 2, 3)]
    test, rule = split(placed(places))
    assert rule == "by a hash of the sequence"
    assert test.sum() == 20


def test_by_hash_when_one_place_is_unknown() -> None:
    records = placed([(f"chr{i % 5}", 10**7 * i) for i in range(50)])
    records[7] = Record("x", records[7].sequence)
    assert split(records)[1] == "by a hash of the sequence"


def test_equal_sequences_stay_together_on_either_strand_and_halves_stay_equal() -> None:
    kinds = [dna(50, i) for i in range(30)]
    sequences = [s for i, s in enumerate(kinds) for s in [s, reverse_complement(s)] * (i % 3)]
    records = [Record(f"r{i}", s) for i, s in enumerate(sequences)]
    for seed in range(5):
        test, _ = split(records, seed)
        side: dict[str, bool] = {}
        for record, half in zip(records, test, strict=True):
            key = min(record.sequence, reverse_complement(record.sequence))
            assert side.setdefault(key, bool(half)) == half
        assert abs(test.sum() - (~test).sum()) <= 2


def test_the_seed_decides_the_hash_split() -> None:
    records = plain(60)
    assert not np.array_equal(split(records, 0)[0], split(records, 1)[0])
    assert np.array_equal(split(records, 0)[0], split(records, 0)[0])


@pytest.mark.parametrize("kind", ["chromosome", "blocks", "hash"])
def test_neither_order_nor_strand_of_the_file_changes_who_is_where(kind: str) -> None:
    places = {
        "chromosome": [(f"chr{i % 6}", 10**7 * i) for i in range(60)],
        "blocks": [("chr1", 700_000 * i) for i in range(60)],
    }
    records = plain(60) if kind == "hash" else placed(places[kind])
    test, rule = split(records, seed=4)
    assert kind in rule
    order = np.random.default_rng(0).permutation(60)
    shuffled = [
        Record(records[i].name, reverse_complement(records[i].sequence), records[i].location)
        for i in order
    ]
    again, _ = split(shuffled, seed=4)
    assert np.array_equal(again, test[order])


def test_groups_go_largest_first_to_the_smaller_half() -> None:
    assert _balanced(list("aaaabbbccd")).tolist() == [False] * 4 + [True] * 5 + [False]


def test_nothing_to_split() -> None:
    assert split_units([], [], 0)[0].shape == (0,)
