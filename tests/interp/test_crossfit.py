"""Cross-fitting: what is found in one half is tested on the other, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from nucel_interp.analysis import crossfit as module
from nucel_interp.analysis import find_motifs
from nucel_interp.analysis.crossfit import crossfit
from nucel_interp.analysis.study import Stages
from nucel_interp.analysis.tracks import Scored, make_texts, track_study
from nucel_interp.match import load_jaspar
from nucel_interp.motifs.alignment import align
from nucel_interp.scoring import cut_units, split_units
from nucel_interp.types import BASES, Record, reverse_complement

LENGTH = 80
Case = tuple[list[Record], list[np.ndarray]]


def case(names: list[str], n: int = 60, seed: int = 0, random_track: bool = False) -> Case:
    """Sequences with one motif each, in turn, and a track that is high on it (or anywhere)."""
    motifs = [next(m for m in load_jaspar().motifs if m.name == name) for name in names]
    rng = np.random.default_rng(seed)
    records, tracks = [], []
    for i in range(n * max(1, len(names))):
        letters = rng.integers(0, 4, LENGTH)
        width = 13
        if motifs:
            motif = motifs[i % len(motifs)]
            width = motif.width
            word = np.array([rng.choice(4, p=c / c.sum()) for c in motif.pwm.T])
            word = word if rng.random() < 0.5 else 3 - word[::-1]
        at = int(rng.integers(10, LENGTH - 10 - width))
        if motifs:
            letters[at : at + width] = word
        where = int(rng.integers(0, LENGTH - width)) if random_track else at
        values = rng.normal(size=LENGTH)
        values[where : where + width] += 4
        records.append(Record(f"r{i}", "".join(BASES[b] for b in letters)))
        tracks.append(values)
    return records, tracks


def studied(data: Case) -> Scored:
    records, tracks = data
    units = cut_units(records, 1000)
    test, _ = split_units(records, units, 0)
    return track_study(tracks, None, make_texts(records, units, 0, Stages()), test, 0)


@pytest.fixture(scope="module")
def three() -> tuple[Case, object]:
    data = case(["CTCF", "GATA2", "NFYA"])
    return data, find_motifs(data[0], track=data[1])


def test_three_motifs_are_found_once_each_and_named(three) -> None:
    _, result = three
    assert len(result.motifs) == 3
    named = " ".join(result.motifs["best_match"]).upper()
    assert all(name in named for name in ("CTCF", "GATA", "NFY"))
    assert (result.motifs["halves_found"] >= 1).all()
    assert (result.motifs["held_out_q"] < 0.01).all()


def test_each_half_finds_without_a_look_at_the_other(monkeypatch) -> None:
    scored = studied(case(["CTCF"], n=80))
    first, second = scored.folds
    assert (first.test == ~second.test).all()
    looked_at = []
    real = module.discover_motifs

    def spy(study, seqlets, chosen, background, **options):
        looked_at.append((study, chosen.copy()))
        return real(study, seqlets, chosen, background, **options)

    monkeypatch.setattr(module, "discover_motifs", spy)
    fitted = crossfit(scored.folds)
    halves = [(s, c) for s, c in looked_at if not c.all()]
    assert [(s is first, s is second) for s, _ in halves] == [(True, False), (False, True)]
    for study, chosen in halves:
        assert not (chosen & study.test).any()
    for fold, called in zip(scored.folds, fitted.called, strict=True):
        for fit in (c.fits.get(scored.folds.index(fold)) for c in fitted.candidates):
            if fit is not None:  # the seqlets that built it lie in its discovery half
                assert not fold.test[fit.found.members.unit].any()
        assert set(called.seqlets.unit) - set(np.flatnonzero(fold.test))


def test_p_is_the_smaller_of_the_halves_times_their_number_and_q_covers_both(three) -> None:
    (records, tracks), _ = three
    fitted = crossfit(studied((records, tracks)).folds)
    fits = [t for c in fitted.candidates for t in c.fits.values()]
    for candidate in fitted.candidates:
        ps = [t.held_out_p for t in candidate.fits.values()]
        if ps:
            assert candidate.held_out_p == min(1.0, len(ps) * min(ps))
            assert candidate.best.held_out_p == min(ps)
        else:
            assert np.isnan(candidate.held_out_p)
    # Benjamini-Hochberg over n motifs lifts the worst p by at most nothing, the best by at most n
    assert all(t.held_out_p <= t.held_out_q <= 1 for t in fits)
    order = sorted(fits, key=lambda t: t.held_out_p)
    assert all(a.held_out_q <= b.held_out_q for a, b in pairwise(order))
    assert order[0].held_out_q <= order[0].held_out_p * (len(fits) + 50)


def test_a_motif_of_one_half_alone_is_found_in_one_half_and_fails() -> None:
    records, tracks = case(["CTCF"], n=120)
    units = cut_units(records, 1000)
    test, _ = split_units(records, units, 0)
    noise, _ = case([], n=120, seed=9)
    mixed = [n if t else r for r, n, t in zip(records, noise, test, strict=True)]
    scored = track_study(
        tracks, None, make_texts(mixed, cut_units(mixed, 1000), 0, Stages()), test, 0
    )
    fitted = crossfit(scored.folds)
    ctcf = fitted.candidates[0]
    assert list(ctcf.fits) == [0]
    assert not ctcf.passes
    assert not any(c.passes for c in fitted.candidates)


def test_what_only_a_half_shows_is_kept_if_it_passes(monkeypatch) -> None:
    scored = studied(case(["CTCF"], n=80))
    real = module.discover_motifs

    def blind(study, seqlets, chosen, background, **options):
        found = real(study, seqlets, chosen, background, **options)
        return module_discovery([], found.stability) if chosen.all() else found

    module_discovery = type(real(scored.folds[0], crossfit(scored.folds).seqlets,
                                 ~scored.folds[0].test, np.full(4, 0.25)))  # fmt: skip
    monkeypatch.setattr(module, "discover_motifs", blind)
    kept = crossfit(scored.folds).candidates
    assert len(kept) == 1
    assert sorted(kept[0].fits) == [0, 1]
    assert kept[0].passes


def test_too_few_to_split_gives_motifs_without_tests() -> None:
    records, tracks = case(["CTCF"], n=30)
    result = find_motifs(records, track=tracks)
    assert len(result.motifs) == 0
    first = result.untested.iloc[0]
    assert first["reason"] == "not tested: 30 sequences, 40 needed"
    assert np.isnan(first["held_out_p"])
    assert first["halves_found"] == 0
    assert set(result.seqlets["half"]) == {"."}


def test_order_and_strand_of_the_records_do_not_matter(three) -> None:
    (records, tracks), result = three
    order = np.random.default_rng(1).permutation(len(records))
    other = find_motifs([records[i] for i in order], track=[tracks[i] for i in order])
    for name in ("motifs", "untested", "matches", "kmers"):
        pd.testing.assert_frame_equal(getattr(other, name), getattr(result, name))
    turned = find_motifs(
        [Record(r.name, reverse_complement(r.sequence)) for r in records],
        track=[t[::-1] for t in tracks],
    )
    assert list(turned.motifs["archetype"]) == list(result.motifs["archetype"])
    for motif_id in result.motifs["motif_id"]:
        assert align(result.pwms[motif_id].pwm, turned.pwms[motif_id].pwm).similarity >= 0.95


@pytest.mark.parametrize("seed", range(4))
def test_high_scores_anywhere_in_random_sequence_give_an_empty_main_table(seed: int) -> None:
    records, tracks = case([], n=150, seed=100 + seed, random_track=True)
    assert len(find_motifs(records, track=tracks).motifs) == 0


@pytest.mark.slow
def test_noise_gives_nothing_in_twenty_of_twenty_runs() -> None:
    found = 0
    for seed in range(20):
        records, tracks = case([], n=400, seed=500 + seed, random_track=True)
        found += len(find_motifs(records, track=tracks, seed=seed).motifs)
    assert found == 0


_TABLES = """
import sys
import torch
import numpy as np
torch.set_num_threads(int(sys.argv[1]))
from nucel_interp import find_motifs
from nucel_interp.io.tables import to_tsv
from tests.interp.test_crossfit import case
records, tracks = case(["CTCF", "GATA2"], n=50, seed=4)
result = find_motifs(records, track=tracks)
for name in ("motifs", "untested", "matches", "kmers", "sites", "seqlets"):
    sys.stdout.write(to_tsv(getattr(result, name)))
"""


def test_tables_from_a_track_are_the_same_bytes_on_one_and_two_threads() -> None:
    outputs = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        ran = subprocess.run(
            [sys.executable, "-c", _TABLES, threads],
            capture_output=True, check=True,
            env={**_environment(), **dict.fromkeys(names, threads)},
        )  # fmt: skip
        outputs.append(ran.stdout)
    assert len(outputs[0]) > 5000
    assert outputs[0] == outputs[1]


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def test_kmers_alone_find_a_planted_motif_without_a_score() -> None:
    records, _ = case(["CTCF"], n=60)
    result = find_motifs(records, method="kmer")
    first = result.motifs.iloc[0]
    assert "CTCF" in first["archetype"]
    assert first["found_in"] > 0.6
    assert np.isnan(first["attention_fold"])
    assert result.summary["model"] is None
    assert "no score was looked at" in result.answer


def test_dnaberts_method_runs_on_a_track() -> None:
    records, tracks = case(["CTCF"], n=80)
    shifted = [np.where(t > 2.5, 50.0, 1.0) for t in tracks]
    result = find_motifs(records, track=shifted, method="dnabert")
    assert result.summary["method"] == "dnabert"
    assert len(result.motifs) + len(result.untested) == len(result.pwms)
