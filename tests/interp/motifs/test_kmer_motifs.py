"""Motifs by over-represented words: planted ones come back, noise gives nothing, and it ends."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.match import best_match, load_jaspar, match_table
from nucel_interp.motifs import kmer_motifs as module
from nucel_interp.motifs import kmer_seeds
from nucel_interp.motifs import pwm as matrices
from nucel_interp.motifs.kmer_motifs import kmer_motifs
from nucel_interp.motifs.kmer_seeds import OpenWords, best_seed
from nucel_interp.motifs.open_text import OpenText
from nucel_interp.motifs.seqlet_windows import Regions
from nucel_interp.scoring import shuffled
from nucel_interp.sequences import Sequences
from nucel_interp.types import BASES, Motif, reverse_complement
from tests.toy import dna, plant

UNIFORM = np.full(4, 0.25)
LENGTH = 60
# how many of 84 planted sites must build the matrix: what a weak motif leaves above the 99th
# percentile of shuffled seqlets are its best sites
PLANTED = {
    "CTCF": 70,
    "REST": 70,
    "HNF1A": 60,
    "TP53": 60,
    "FOS::JUN": 20,
    "MAX": 20,
    "ELK1": 20,
    "NRF1": 60,
    "GATA1": 15,
}


@pytest.fixture(scope="module")
def jaspar():
    return load_jaspar("vertebrates")


def named(jaspar, name: str) -> Motif:
    return next(m for m in jaspar.motifs if m.name.upper() == name)


def sites_of(motif: Motif, n: int, rng: np.random.Generator) -> list[str]:
    """Words drawn from the matrix, half of them on the other strand."""
    letters = [rng.choice(4, size=n, p=column / column.sum()) for column in motif.pwm.T]
    words = ["".join(BASES[i] for i in row) for row in np.stack(letters, axis=1)]
    return [w if i % 2 else reverse_complement(w) for i, w in enumerate(words)]


def planted(motif: Motif | None, n: int = 120, share: float = 0.7, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    sequences = [dna(LENGTH, rng) for _ in range(n)]
    if motif is not None:
        for i, word in enumerate(sites_of(motif, int(share * n), rng)):
            at = int(rng.integers(10, LENGTH - 10 - len(word)))
            sequences[i] = plant(sequences[i], word, at)
    return sequences


def whole(sequences: list[str]) -> Regions:
    """Every unit is one region."""
    lengths = np.array([len(s) for s in sequences])
    end = np.cumsum(lengths)
    return Regions(Sequences(sequences), np.arange(len(sequences)), end - lengths, end)


def copies(sequences: list[str], n: int = 3) -> list[Regions]:
    return [whole([shuffled(s, copy=c) for s in sequences]) for c in range(n)]


@pytest.mark.parametrize(("name", "least"), PLANTED.items())
def test_a_planted_motif_comes_back_by_name(jaspar, name: str, least: int) -> None:
    motif = named(jaspar, name)
    sequences = planted(motif)
    found = kmer_motifs(whole(sequences), copies(sequences), UNIFORM)
    assert found
    first = found[0]
    assert len(first.place) >= least
    assert first.motif.n_sites == len(first.place)
    match = best_match(match_table([first.motif], jaspar), first.motif.id)
    assert match is not None
    # brothers of a family share a matrix: the archetype decides
    assert jaspar.archetypes[motif.id] == match["archetype"] or match["Target_ID"] == motif.id
    assert match["E-value"] < 0.05


def test_two_motifs_are_told_apart(jaspar) -> None:
    one, two = planted(named(jaspar, "CTCF")), planted(named(jaspar, "HNF1A"), seed=1)
    found = kmer_motifs(whole(one + two), copies(one + two), UNIFORM)
    assert [f.motif.id for f in found] == [f"motif_{i}" for i in range(1, len(found) + 1)]
    matches = match_table([f.motif for f in found[:2]], jaspar)
    names = {best_match(matches, f.motif.id)["Target_name"] for f in found[:2]}
    assert "CTCF" in names
    assert names & {"HNF1A", "HNF1B"}


@pytest.mark.parametrize("name", ["CTCF", "GATA1", "HNF1A"])
def test_reverse_complemented_input_gives_the_same_matrix(jaspar, name: str) -> None:
    sequences = planted(named(jaspar, name))
    turned = [reverse_complement(s) for s in sequences]
    first = kmer_motifs(whole(sequences), copies(sequences), UNIFORM)[0]
    second = kmer_motifs(whole(turned), copies(turned), UNIFORM)[0]
    assert first.seed == second.seed
    assert len(first.place) == len(second.place)
    a, b = first.motif.pwm, second.motif.pwm
    assert a.shape == b.shape
    assert np.allclose(a, b) or np.allclose(a, matrices.reverse_complement(b))


def test_order_of_the_units_changes_nothing(jaspar) -> None:
    sequences = planted(named(jaspar, "MAX"))
    order = np.random.default_rng(0).permutation(len(sequences))
    moved = [sequences[i] for i in order]
    first = kmer_motifs(whole(sequences), copies(sequences), UNIFORM)
    second = kmer_motifs(whole(moved), copies(moved), UNIFORM)
    assert [f.seed for f in first] == [f.seed for f in second]
    for a, b in zip(first, second, strict=True):
        assert np.allclose(a.motif.pwm, b.motif.pwm)


def test_only_regions_are_read(jaspar) -> None:
    sequences = planted(named(jaspar, "CTCF"))
    noise = planted(None, seed=5)
    both = [a + b for a, b in zip(sequences, noise, strict=True)]
    start = np.arange(len(both)) * 2 * LENGTH

    def second_half(texts: list[str]) -> Regions:
        return Regions(Sequences(texts), np.arange(len(texts)), start + LENGTH, start + 2 * LENGTH)

    null = [second_half([shuffled(s, copy=c) for s in both]) for c in range(3)]
    found = kmer_motifs(second_half(both), null, UNIFORM)
    assert all(len(f.place) < 40 for f in found)


def empty() -> Regions:
    nothing = np.zeros(0, dtype=np.int64)
    return Regions(Sequences(["ACGT" * 10]), nothing, nothing, nothing)


def test_nothing_to_look_at() -> None:
    assert kmer_motifs(empty(), [empty()], UNIFORM) == []
    assert kmer_motifs(whole(["ACG", "N" * 30, ""]), [whole(["ACG", "N" * 30, ""])], UNIFORM) == []
    same = planted(None)
    assert best_seed(OpenWords([OpenText(whole(same)), OpenText(whole(same))])) is None


def test_seqlets_without_any_in_the_copies(jaspar) -> None:
    sequences = planted(named(jaspar, "CTCF"))
    found = kmer_motifs(whole(sequences), [empty_like(sequences)], UNIFORM)
    assert found


def empty_like(sequences: list[str]) -> Regions:
    nothing = np.zeros(0, dtype=np.int64)
    return Regions(Sequences([shuffled(s) for s in sequences]), nothing, nothing, nothing)


def test_too_few_sites_are_no_motif(jaspar) -> None:
    few, enough = (planted(named(jaspar, "CTCF"), n=40, share=share) for share in (0.2, 0.7))
    assert kmer_motifs(whole(few), copies(few), UNIFORM) == []
    found = kmer_motifs(whole(enough), copies(enough), UNIFORM)
    assert len(found) > 0
    assert all(len(f.place) >= module.MIN_SITES for f in found)


def test_a_seed_is_never_tried_twice_and_the_search_ends(monkeypatch) -> None:
    # one word everywhere, overlapping itself, at both ends of every unit
    sequences = ["AAAAAAAA" + s[8:-8] + "TTTTTTTT" for s in planted(None)]
    seeds: list[str] = []
    plain = module.best_seed

    def recorded(words):
        seed = plain(words)
        if seed is not None:
            seeds.append(seed)
        return seed

    monkeypatch.setattr(module, "best_seed", recorded)
    monkeypatch.setattr(kmer_seeds, "MIN_SEED_Z", -np.inf)
    progress: list[int] = []
    kmer_motifs(whole(sequences), copies(sequences), UNIFORM, on_progress=progress.append)
    assert len(seeds) == len(set(seeds)) == module.MAX_MOTIFS
    assert sum(progress) == module.MAX_MOTIFS


def test_best_sites_agree_with_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGTN"), 40, p=[0.24] * 4 + [0.04])) for _ in range(30)]
    start = np.arange(30) * 40 + rng.integers(0, 15, 30)
    regions = Regions(Sequences(sequences), np.arange(30), start, start + rng.integers(3, 25, 30))
    odds = rng.normal(size=(4, 6))
    text = OpenText(regions)
    closed = np.array([45, 200, 201])
    text.erase(closed, 2)
    whole_text = "".join(sequences)
    shut = set(closed) | set(closed + 1)
    for r, (score, place, flipped) in enumerate(zip(*text.best_sites(odds), strict=True)):
        best = -np.inf
        for at in range(regions.start[r], regions.end[r] - 5):
            word = whole_text[at : at + 6]
            if "N" in word or shut & set(range(at, at + 6)):
                continue
            for turned, w in ((False, word), (True, reverse_complement(word))):
                value = sum(odds[BASES.index(c), i] for i, c in enumerate(w))
                if value > best:
                    best, where = value, (at, turned)
        assert score == pytest.approx(best)
        if best > -np.inf:
            assert (place, bool(flipped)) == where


def test_a_site_that_grows_beyond_its_unit_closes_nothing_there() -> None:
    text = OpenText(whole(["ACGTACGTAC", "ACGTACGTAC"]))
    text.erase(np.array([-2, 7]), 6)
    # the first is centred on unit 0, the second reaches from unit 0 or 1 into the other
    assert text.open[:4].sum() == 0
    unit = 0 if not text.open[7] else 1
    assert text.open[10 * (1 - unit) : 10 * (1 - unit) + 10].sum() in (6, 10)
