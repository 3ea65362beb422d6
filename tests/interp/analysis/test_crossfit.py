"""Cross-fitting: what is found in one half is tested on the other, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from math import comb

import numpy as np
import pandas as pd
import pytest
import torch

from nucel_interp.analysis import crossfit as module
from nucel_interp.analysis.crossfit import crossfit
from nucel_interp.analysis.score_study import Scored, make_texts, track_study
from nucel_interp.api.find_motifs import find_motifs
from nucel_interp.io.tables import to_tsv
from nucel_interp.match import load_jaspar
from nucel_interp.motifs.alignment import align
from nucel_interp.progress import Stages
from nucel_interp.scoring import cut_units, split_units
from nucel_interp.types import (
    BASES,
    DNABERT_COLUMNS,
    MOTIF_COLUMNS,
    UNTESTED_COLUMNS,
    Record,
    reverse_complement,
)

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
    assert (result.motifs["enrichment_q"] < 0.01).all()


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


def test_what_a_half_finds_does_not_change_with_the_other(monkeypatch) -> None:
    monkeypatch.setattr(module, "strand_background", lambda _: np.full(4, 0.25))
    records, tracks = case(["CTCF", "GATA2"], n=60)
    noise, noisy = case([], n=120, seed=9, random_track=True)
    units = cut_units(records, 1000)
    test, _ = split_units(records, units, 0)
    found: list[list[list[np.ndarray]]] = [[], []]
    real = module.discover_motifs
    thresholds = []

    def spy(study, seqlets, chosen, background, **options):
        discovery = real(study, seqlets, chosen, background, **options)
        found[len(thresholds)].append([d.motif.pwm for d in discovery.found])
        return discovery

    monkeypatch.setattr(module, "discover_motifs", spy)
    for other_half in ((records, tracks), (noise, noisy)):
        mixed = [o if t else r for r, o, t in zip(records, other_half[0], test, strict=True)]
        values = [9 * o if t else v for v, o, t in zip(tracks, other_half[1], test, strict=True)]
        texts = make_texts(mixed, cut_units(mixed, 1000), 0, Stages())
        folds = track_study(values, None, texts, test, 0).folds
        fitted = crossfit(folds, whole=False)
        thresholds.append([c.threshold.score for c in fitted.called])
    assert thresholds[0][0] == thresholds[1][0]
    assert thresholds[0][1] != thresholds[1][1]
    assert len(found[0][0]) == len(found[1][0]) >= 2
    for first, second in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_array_equal(first, second)


def test_p_is_the_smaller_of_the_halves_times_their_number_and_q_covers_both(
    three, monkeypatch
) -> None:
    tested = []
    real = module.held_out_tests

    def spy(*args):
        fold = real(*args)
        tested.extend(fold)
        return fold

    monkeypatch.setattr(module, "held_out_tests", spy)
    candidates = crossfit(studied(three[0]).folds).candidates
    twice = [c for c in candidates if len(c.fits) == 2]
    assert len(twice) >= 2
    for candidate in twice:
        ps = [t.enrichment_p for t in candidate.fits.values()]
        assert candidate.enrichment_p == min(1.0, 2 * min(ps))
        assert candidate.best.enrichment_p == min(ps)
    assert len(tested) >= 6
    for kind in ("hits", "enrichment", "enrichment_3mer"):
        given = [getattr(t, f"{kind}_q") for t in tested]
        assert given == bh([getattr(t, f"{kind}_p") for t in tested])


def bh(ps: list[float]) -> list[float]:
    """Benjamini and Hochberg, as they wrote it."""
    order = np.argsort(ps, kind="stable")
    q, lowest = [0.0] * len(ps), 1.0
    for rank in range(len(ps), 0, -1):
        i = order[rank - 1]
        lowest = min(lowest, ps[i] * len(ps) / rank)
        q[i] = pytest.approx(lowest, rel=1e-12)
    return q


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
    assert np.isnan(first["enrichment_p"])
    assert first["halves_found"] == 0
    assert set(result.seqlets["half"]) == {"."}


def test_order_and_strand_of_the_records_do_not_matter(three) -> None:
    (records, tracks), result = three
    order = np.random.default_rng(1).permutation(len(records))
    other = find_motifs([records[i] for i in order], track=[tracks[i] for i in order])
    for name in ("motifs", "untested", "matches", "kmers"):
        pd.testing.assert_frame_equal(getattr(other, name), getattr(result, name))
    # seqlets and sites follow the file, and seqlets are numbered as they come
    for name, key in (("sites", ["name"]), ("seqlets", [])):
        first, second = (
            getattr(r, name).sort_values([*key, "record", "start", "strand"], ignore_index=True)
            for r in (result, other)
        )
        numbered = [] if key else ["name"]
        pd.testing.assert_frame_equal(first.drop(columns=numbered), second.drop(columns=numbered))
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


TABLES = ("motifs", "untested", "matches", "kmers", "sites", "seqlets")
_WRITE_TABLES = """
import sys
import torch
torch.set_num_threads(int(sys.argv[1]))
from nucel_interp import find_motifs
from nucel_interp.io.tables import to_tsv
from tests.interp.analysis.test_crossfit import TABLES, case
records, tracks = case(["CTCF", "GATA2", "NFYA"])
result = find_motifs(records, track=tracks)
sys.stdout.write("".join(to_tsv(getattr(result, name)) for name in TABLES))
"""


def test_tables_from_a_track_are_the_same_bytes_on_one_and_two_threads(three) -> None:
    here = "".join(to_tsv(getattr(three[1], name)) for name in TABLES)
    other = "2" if torch.get_num_threads() == 1 else "1"
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    ran = subprocess.run(
        [sys.executable, "-c", _WRITE_TABLES, other],
        capture_output=True, check=True, encoding="utf-8",
        env={**_environment(), **dict.fromkeys(names, other)},
    )  # fmt: skip
    assert len(here) > 5000
    assert ran.stdout == here


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def test_kmers_alone_find_a_planted_motif_without_a_score() -> None:
    records, _ = case(["CTCF"], n=60)
    result = find_motifs(records, method="kmer")
    first = result.motifs.iloc[0]
    assert "CTCF" in first["archetype"]
    assert first["found_in"] > 0.6
    assert np.isnan(first["attention_fold"])
    assert result.summary["model"] is None
    assert "No score was looked at" in result.answer


def test_dnaberts_method_runs_on_a_track() -> None:
    word = "CCACCAGGGGGCG"  # the script counts exact strings
    rng = np.random.default_rng(0)
    records, tracks = [], []
    for r in case([], n=60)[0]:
        at = int(rng.integers(10, LENGTH - 10 - len(word)))
        text = r.sequence[:at] + word + r.sequence[at + len(word) :]
        records.append(Record(r.name, text))
        tracks.append(np.where(abs(np.arange(LENGTH) - at - 6) <= 6, 50.0, 1.0))
    result = find_motifs(records, track=tracks, method="dnabert")
    assert result.summary["method"] == "dnabert"
    assert len(result.motifs) == 1
    first = result.motifs.iloc[0]
    assert word in first["consensus"]
    assert first["n_seqlets"] == 60 == first["hits"]
    assert first["attention_fold_low"] > 2
    # the script's own p: that of the string, over all sequences and as many shuffled ones
    assert list(result.motifs.columns) == [*MOTIF_COLUMNS, *DNABERT_COLUMNS]
    assert list(result.untested.columns) == [*UNTESTED_COLUMNS, *DNABERT_COLUMNS]
    shuffles = result.study.copies[0].sequences
    both = 60 + sum(word in s for s in shuffles)
    assert first["dnabert_string"] == word
    ways = [comb(60, x) * comb(60, both - x) for x in range(60, min(60, both) + 1)]
    assert first["dnabert_p"] == pytest.approx(sum(ways) / comb(120, both))
    assert first["dnabert_q"] == pytest.approx(first["dnabert_p"])  # the only string
