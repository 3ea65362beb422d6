"""Peaks of a track, the threshold, empirical p and q, and the tags."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest
from typer.testing import CliRunner

from nucel_interp.analysis.prepare import cut_and_split
from nucel_interp.api.find_kmers import find_kmers
from nucel_interp.api.find_motifs import find_motifs
from nucel_interp.api.find_seqlets import find_seqlets
from nucel_interp.cli import app
from nucel_interp.seqlets import (
    Calling,
    Calls,
    Threshold,
    call_seqlets,
    choose_threshold,
    empirical_p,
    empirical_q,
    find_peaks,
    low_complexity,
    masked_bases,
    soft_masked,
)
from nucel_interp.seqlets.calling import covered
from nucel_interp.seqlets.tags import dinucleotide_entropy
from nucel_interp.types import SEQLET_COLUMNS, Record, reverse_complement
from tests.toy import dna


def offsets_of(*lengths: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def calls(unit: list[int], score: list[float]) -> Calls:
    n = np.zeros(len(unit), dtype=np.int64)
    return Calls(np.array(unit, dtype=np.int64), n, n + 21, np.array(score, dtype=np.float64))


def naive_peaks(track: np.ndarray, offsets: np.ndarray) -> list[tuple[int, int, int, float]]:
    found = []
    for u in range(len(offsets) - 1):
        x = track[offsets[u] : offsets[u + 1]]
        free = {i: float(np.mean(x[i : i + 11])) for i in range(len(x) - 10)}
        free = {i: m for i, m in free.items() if not math.isnan(m)}
        for _ in range(max(1, len(x) * 10 // 1000)):
            if not free:
                break
            best = max(free, key=lambda i: (free[i], -i))
            middle = best + 5
            found.append((u, max(0, middle - 10), min(len(x), middle + 11), free[best]))
            free = {i: m for i, m in free.items() if abs(i - best) >= 21}
    return found


def test_one_peak_by_hand() -> None:
    track = np.zeros(100)
    track[40:51] = 2.0
    track[45] = 13.0
    peaks = find_peaks(track, offsets_of(100))
    assert (peaks.unit.tolist(), peaks.start.tolist(), peaks.end.tolist()) == ([0], [35], [56])
    assert peaks.score[0] == pytest.approx((10 * 2 + 13) / 11)


def test_a_peak_at_an_end_is_cut_there() -> None:
    track = np.concatenate([np.full(11, 5.0), np.zeros(60), np.full(11, 7.0)])
    peaks = find_peaks(np.concatenate([track, track]), offsets_of(82, 82))
    # one seqlet per unit of 82 bp: the higher end
    assert peaks.unit.tolist() == [0, 1]
    assert peaks.start.tolist() == [66, 66]
    assert peaks.end.tolist() == [82, 82]
    turned = find_peaks(track[::-1], offsets_of(82))
    assert (turned.start[0], turned.end[0]) == (0, 16)


@pytest.mark.parametrize("missing", [0.0, 0.02])
def test_many_units_agree_with_a_plain_loop(missing: float) -> None:
    rng = np.random.default_rng(0)
    lengths = [300, 5, 10, 11, 12, 0, 950, 31, 1, 400]
    track = rng.normal(size=sum(lengths))
    track[rng.random(track.size) < missing] = np.nan
    track[-400:-380] = np.nan
    offsets = offsets_of(*lengths)
    got = find_peaks(track, offsets)
    want = naive_peaks(track, offsets)
    assert list(zip(got.unit, got.start, got.end, strict=True)) == [w[:3] for w in want]
    assert got.score == pytest.approx([w[3] for w in want])


def test_a_missing_base_takes_only_the_cores_over_it() -> None:
    track = np.zeros(300)
    track[200:211] = 3.0
    track[20] = np.nan
    peaks = find_peaks(track, offsets_of(300))
    assert peaks.score[0] == pytest.approx(3.0)
    assert (peaks.start[0], peaks.end[0]) == (195, 216)


def test_scores_do_not_depend_on_what_stands_before() -> None:
    rng = np.random.default_rng(1)
    unit = rng.normal(size=200).astype(np.float32)
    alone = find_peaks(unit, offsets_of(200))
    behind = find_peaks(np.concatenate([rng.normal(size=5000) * 1e4, unit]), offsets_of(5000, 200))
    assert np.array_equal(behind.score[behind.unit == 1], alone.score)


def test_seqlets_of_a_unit_do_not_overlap_and_are_at_most_ten_per_kb() -> None:
    rng = np.random.default_rng(2)
    offsets = offsets_of(1000, 250, 2500)
    peaks = find_peaks(rng.normal(size=3750), offsets)
    assert np.bincount(peaks.unit).tolist() == [10, 2, 25]
    for u in range(3):
        mine = np.sort(peaks.start[peaks.unit == u])
        assert (np.diff(mine) >= 21 - 10).all()
        middles = np.sort((peaks.start + peaks.end)[peaks.unit == u])
        assert (np.diff(middles) >= 2 * 21 - 2 * 5).all()
        score = peaks.score[peaks.unit == u]
        assert (np.diff(score) <= 0).all()


def test_inner_seqlets_never_share_a_base() -> None:
    rng = np.random.default_rng(3)
    offsets = offsets_of(*[400] * 50)
    peaks = find_peaks(rng.normal(size=20_000), offsets)
    step = np.zeros(20_001, dtype=int)
    np.add.at(step, offsets[peaks.unit] + peaks.start, 1)
    np.add.at(step, offsets[peaks.unit] + peaks.end, -1)
    assert np.cumsum(step).max() == 1


@pytest.mark.parametrize("lengths", [(), (5,), (0, 10)])
def test_units_shorter_than_the_core_have_no_peak(lengths: tuple[int, ...]) -> None:
    peaks = find_peaks(np.ones(sum(lengths)), offsets_of(*lengths))
    assert len(peaks) == 0


def test_all_missing_has_no_peak() -> None:
    assert len(find_peaks(np.full(100, np.nan), offsets_of(50, 50))) == 0


def test_threshold_by_hand() -> None:
    # 30 real peaks scoring 30, 29 ... 1; two copies with two peaks each
    real = calls([0] * 30, [float(s) for s in range(30, 0, -1)])
    null = [calls([0, 0], [6.5, 3.5]), calls([0, 0], [4.5, 3.5])]
    t = choose_threshold(real, null, np.array([True]), np.array([1000]))
    # at 4: 2 null peaks in 2 copies, so 1 expected of 27: 3.7 %; at 3: 4 / 2 = 2 of 28: 7.1 %
    assert t.reached
    assert t.score == 4.0
    assert t.fdr == pytest.approx(1 / 27)
    assert len(call_seqlets(real, t)) == 27


def test_the_test_half_has_no_say_in_the_threshold() -> None:
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(40), 5)
    discovery, lengths = np.arange(40) < 20, np.full(40, 100)
    score, null_score = rng.normal(2, 1, 200), rng.normal(0, 1, 200)

    def threshold(shift: float) -> Threshold:
        moved = score + shift * (units >= 20)
        noise = null_score - shift * (units >= 20)
        real = calls(units.tolist(), moved.tolist())
        return choose_threshold(real, [calls(units.tolist(), noise.tolist())], discovery, lengths)

    assert threshold(0.0) == threshold(100.0) == threshold(-100.0)


def test_where_nothing_stands_out_five_per_kb_go_on() -> None:
    rng = np.random.default_rng(0)
    real = calls([0] * 40, rng.normal(size=40).tolist())
    null = [calls([0] * 40, rng.normal(size=40).tolist()) for _ in range(5)]
    t = choose_threshold(real, null, np.array([True]), np.array([4000]))
    assert not t.reached
    assert len(call_seqlets(real, t)) == 20
    assert 0.5 < t.fdr <= 1.0


def test_too_few_good_peaks_are_no_basis() -> None:
    real = calls([0] * 19, [10.0] * 19)
    t = choose_threshold(real, [calls([0], [1.0])], np.array([True]), np.array([1000]))
    assert not t.reached
    real = calls([0] * 20, [10.0] * 20)
    assert choose_threshold(real, [calls([0], [1.0])], np.array([True]), np.array([1000])).reached


def test_no_peak_at_all() -> None:
    t = choose_threshold(calls([], []), [calls([], [])], np.array([True]), np.array([10]))
    assert t.score == math.inf
    assert not t.reached


def test_empirical_p_by_hand() -> None:
    null = [calls([0, 0], [1.0, 2.0]), calls([0, 0], [3.0, 3.0])]
    p = empirical_p(calls([0] * 4, [0.5, 2.0, 3.0, 4.0]), null)
    assert p.tolist() == [1.0, 0.8, 0.6, 0.2]


def test_empirical_p_is_uniform_under_the_null() -> None:
    rng = np.random.default_rng(0)
    offsets = offsets_of(*[200] * 100)
    real, *null = [find_peaks(rng.normal(size=20_000), offsets) for _ in range(11)]
    assert kstest(empirical_p(real, null), "uniform").pvalue > 0.01


def test_covered() -> None:
    found = Calls(np.array([0, 1, 1]), np.array([2, 0, 3]), np.array([5, 4, 6]), np.zeros(3))
    inside = covered(found, offsets_of(6, 7))
    assert np.flatnonzero(inside).tolist() == [2, 3, 4, 6, 7, 8, 9, 10, 11]


def test_empirical_q_by_hand() -> None:
    # p of 5, 4, 3, 2, 1 against the null 0, 0.5, 2.5, 4.5: 1/5, 2/5, 2/5, 3/5, 3/5
    peaks = calls([0] * 5, [5.0, 1.0, 4.0, 2.0, 3.0])
    null = [calls([0, 0], [0.0, 2.5]), calls([0, 0], [4.5, 0.5])]
    assert empirical_p(peaks, null).tolist() == [0.2, 0.6, 0.4, 0.6, 0.4]
    # BH: 0.2 x 5/1 = 1, 0.4 x 5/3 = 0.667, 0.6 x 5/5 = 0.6, and never more than a larger p has
    q = empirical_q(peaks.take(np.array([0, 1, 4])), peaks, null)
    assert q == pytest.approx([0.6, 0.6, 0.6])
    strong = [calls([0] * 9, [0.0, 0.5, *[-1.0] * 7])]
    # p = 1/10 for all five: BH leaves it as it is
    assert empirical_q(peaks, peaks, strong) == pytest.approx([0.1] * 5)


def test_empirical_q_counts_candidates_that_were_not_called() -> None:
    null = [calls([0] * 99, np.arange(99.0).tolist())]
    few, many = calls([0] * 2, [98.5, 99.0]), calls([0] * 20, [98.5, 99.0, *[-1.0] * 18])
    assert empirical_q(few, few, null) == pytest.approx([0.01, 0.01])
    assert empirical_q(few, many, null) == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("n_real", [0, 20, 100])
def test_empirical_q_keeps_the_false_discovery_rate(n_real: int) -> None:
    rng = np.random.default_rng(n_real)
    false_share, found = [], 0
    for _ in range(200):
        score = np.concatenate([rng.normal(4, 1, n_real), rng.normal(0, 1, 300)])
        null = [calls([0] * 300, rng.normal(0, 1, 300).tolist()) for _ in range(10)]
        peaks = calls([0] * score.size, score.tolist())
        taken = empirical_q(peaks, peaks, null) <= 0.1
        false_share.append(taken[n_real:].sum() / max(1, taken.sum()))
        found += taken[:n_real].sum()
    assert np.mean(false_share) < 0.12
    assert found > 0.8 * 200 * n_real or n_real == 0


def test_no_candidate_has_no_q() -> None:
    assert empirical_q(calls([], []), calls([], []), [calls([0], [1.0])]).tolist() == []


def spans(*found: tuple[int, int, int]) -> Calls:
    unit, start, end = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return Calls(unit, start, end, np.zeros(len(found)))


def test_dinucleotide_entropy_of_repeats() -> None:
    texts = ["A" * 21, "CA" * 10 + "C", "CAG" * 7, "GATA" * 5 + "G", "GATTACA" * 3]
    at = spans(*[(i, 0, 21) for i in range(5)])
    bits = dinucleotide_entropy(at, texts, offsets_of(*[21] * 5))
    assert bits[:2] == pytest.approx([0, 1])
    assert bits[2] == pytest.approx(np.log2(3), abs=0.01)
    assert bits[3] == pytest.approx(2)
    assert bits[4] > 2.5
    assert low_complexity(at, texts, offsets_of(*[21] * 5)).tolist() == [True] * 4 + [False]


def test_low_complexity_is_the_same_on_both_strands_and_skips_n() -> None:
    rng = np.random.default_rng(0)
    texts = [
        "".join(rng.choice(list("ACGTN"), 21, p=[0.7, 0.1, 0.1, 0.05, 0.05])) for _ in range(300)
    ]
    other = [reverse_complement(t) for t in texts]
    at, offsets = spans(*[(i, 0, 21) for i in range(300)]), offsets_of(*[21] * 300)
    bits = dinucleotide_entropy(at, texts, offsets)
    assert np.array_equal(bits, dinucleotide_entropy(at, other, offsets))
    assert 0.05 < low_complexity(at, texts, offsets).mean() < 0.95
    nothing = dinucleotide_entropy(spans((0, 0, 5), (0, 3, 4)), ["NNNNN"], offsets_of(5))
    assert nothing.tolist() == [0, 0]


def test_hardly_a_random_seqlet_is_of_low_complexity() -> None:
    rng = np.random.default_rng(0)
    n = 100_000
    at, offsets = spans(*[(i, 0, 21) for i in range(n)]), offsets_of(*[21] * n)
    even = dna(21 * n, rng)
    rich = "".join(rng.choice(list("ACGT"), 21 * n, p=[0.35, 0.15, 0.15, 0.35]))
    assert low_complexity(at, [even], offsets).mean() < 1e-4
    assert low_complexity(at, [rich], offsets).mean() < 2e-3


def test_soft_masked_is_over_half_of_the_bases() -> None:
    records = [Record("a", "A" * 30, masked=((0, 5), (10, 21))), Record("b", "A" * 30, masked=())]
    bases = masked_bases(records)
    assert bases is not None
    offsets = offsets_of(30, 30)
    # 16 of 21, 14 of 19, none of 21; then 10 of 19 and 9 of 18, which is not over half
    assert soft_masked(spans((0, 0, 21), (0, 1, 20), (1, 0, 21)), bases, offsets).tolist() == [
        True, True, False,
    ]  # fmt: skip
    assert soft_masked(spans((0, 11, 30), (0, 12, 30)), bases, offsets).tolist() == [True, False]
    assert masked_bases([Record("a", "ACGT")]) is None


def bumpy_input(folder: Path, n: int = 60) -> list[str]:
    """Sequences of 200 bp, half in lower case in a file of both, with a bump at 100 in each."""
    rng = np.random.default_rng(0)
    fasta, track = [], []
    for i in range(n):
        text = dna(200, rng)
        text = text[:90] + "CA" * 10 + text[110:] if i % 3 == 0 else text
        fasta.append(f">s{i}\n{text.lower() if i % 2 else text}\n")
        value = rng.normal(size=200) + 6 * (abs(np.arange(200) - 100) <= 8)
        track += [f"s{i}\t{j}\t{j + 1}\t{v:.3f}\n" for j, v in enumerate(value)]
    (folder / "in.fa").write_text("".join(fasta))
    (folder / "t.bedGraph").write_text("".join(track))
    return ["seqlets", str(folder / "in.fa"), "--track", str(folder / "t.bedGraph")]


def test_the_command_writes_bed_with_q_and_tags(tmp_path: Path) -> None:
    call = bumpy_input(tmp_path)
    result = CliRunner().invoke(app, [*call, "-o", str(tmp_path / "seqlets.bed")])
    assert result.exit_code == 0, result.stderr
    rows = [line.split("\t") for line in (tmp_path / "seqlets.bed").read_text().splitlines()]
    assert {len(row) for row in rows} == {len(SEQLET_COLUMNS)}
    best = [row for row in rows if int(row[1]) < 100 < int(row[2])]
    # a half's threshold is the lowest score the other half's null allows, so a few lie below
    assert {row[0] for row in best} <= {f"s{i}" for i in range(60)}
    assert len({row[0] for row in best}) >= 57
    at = {name: SEQLET_COLUMNS.index(name) for name in SEQLET_COLUMNS}
    for row in best:
        number = int(row[0][1:])
        assert float(row[at["q_value"]]) < 0.05
        assert row[at["low_complexity"]] == str(int(number % 3 == 0))
        assert row[at["soft_masked"]] == str(number % 2)
    assert len(rows) - len(best) <= 0.1 * len(rows)
    assert "false discovery rate" in result.stderr
    printed = CliRunner().invoke(app, call)
    assert printed.stdout == (tmp_path / "seqlets.bed").read_text()
    assert CliRunner().invoke(app, [*call, "-o", str(tmp_path / "seqlets.bed")]).exit_code == 1


def test_the_command_runs_a_model(tmp_path: Path, tiny_folder: Path) -> None:
    rng = np.random.default_rng(0)
    text = "".join(f">s{i}\n{''.join(rng.choice(list('ACGT'), 100))}\n" for i in range(5))
    (tmp_path / "in.fa").write_text(text)
    result = CliRunner().invoke(app, ["seqlets", str(tmp_path / "in.fa"), "-m", str(tiny_folder)])
    assert result.exit_code == 0, result.stderr
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows
    assert {row[-1] for row in rows} == {"."}  # the file makes no use of case
    assert "best five seqlets per kb" in result.stderr


def of_one_half(weak: int, peaks: int) -> tuple[list[Record], list[np.ndarray]]:
    """48 sequences with a peak each, but for half ``weak``, of which only some have values."""
    rng = np.random.default_rng(1)
    records = [Record(f"s{i}", dna(120, rng)) for i in range(48)]
    _, test, _ = cut_and_split(records, None, 0)
    units = np.flatnonzero(test if weak == 2 else ~test)
    track = [rng.normal(scale=0.1, size=120) for _ in records]
    for i, values in enumerate(track):
        values[50:71] += 3.0
        if i in units[peaks:]:
            values[:] = np.nan
    return records, track


@pytest.mark.parametrize("weak", [1, 2])
def test_a_half_whose_threshold_fell_back_is_told(weak: int) -> None:
    """The other half is called at the weak half's threshold, whichever of the two it is."""
    records, track = of_one_half(weak, peaks=12)
    calling = find_seqlets(records, track=track).calling
    fallen, fine = calling.thresholds[:: 1 if weak == 2 else -1]
    assert (fallen.reached, fine.reached, calling.reached) == (False, True, False)
    assert calling.fdr == max(fallen.fdr, fine.fdr)
    said = calling.shortfall("the null")
    assert f"tells half {3 - weak} of these" in said
    assert f"but not half {weak}" in said
    assert f"gave {calling.n_seqlets[2 - weak]:,} of the {sum(calling.n_seqlets):,}" in said
    assert find_kmers(records, track=track).calling == calling
    result = find_motifs(records, track=track)
    assert any(said.replace("the null", "shuffled ones")[1:] in w for w in result.warnings)
    facts = result.summary
    assert not facts["seqlet_fdr_reached"]
    assert facts[f"seqlet_fdr_{3 - weak}"] == fallen.fdr
    assert facts[f"seqlet_fdr_{weak}"] == fine.fdr
    assert facts["seqlet_fdr"] == calling.fdr


@pytest.mark.parametrize("weak", [1, 2])
def test_the_command_tells_of_either_half(tmp_path: Path, weak: int) -> None:
    records, track = of_one_half(weak, peaks=12)
    fasta, npz = tmp_path / "in.fa", tmp_path / "track.npz"
    fasta.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    np.savez(npz, **{r.name: t for r, t in zip(records, track, strict=True)})
    result = CliRunner().invoke(app, ["seqlets", str(fasta), "--track", str(npz)])
    assert result.exit_code == 0, result.stderr
    assert "at a false discovery rate" not in result.stderr
    assert f"note: the score tells half {3 - weak}" in result.stderr.lower()


@pytest.mark.parametrize(
    ("thresholds", "says"),
    [
        ([Threshold(1, 0.01, True)], ""),
        ([Threshold(1, 0.01, True), Threshold(1, 0.04, True)], ""),
        ([Threshold(1, 0.3, False)], "taken (rate 30.0%)"),
        ([Threshold(1, 0.3, False), Threshold(1, 0.4, False)], "30.0% and 40.0% in the two halves"),
        ([Threshold(math.inf, math.nan, False), Threshold(1, 0.0, True)], "half 1 has no seqlet"),
        ([Threshold(1, 0.0, True), Threshold(1, 0.9, False)], "tells half 2 of these"),
    ],
)
def test_what_is_said_of_thresholds(thresholds: list[Threshold], says: str) -> None:
    calling = Calling(tuple(thresholds), (7,) * len(thresholds))
    assert says in calling.shortfall("the null")
    assert bool(says) is not calling.reached
    assert Calling(tuple(thresholds), (0,) * len(thresholds)).shortfall("the null") == ""
