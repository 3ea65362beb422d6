"""Labelled windows and linear probes, on made-up genomes with planted sites."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_genome import Genome, GenomeError
from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.evaluation.probes import PENALTIES, embeddings, probe, probe_model
from nucel_pretrain.evaluation.sites import (
    PARTS,
    SiteSet,
    SplitConfig,
    inside,
    labelled_windows,
    match_gc,
    read_sites,
    window_starts,
)

MOTIF = tokenizer.encode("GTAAGTCTCAGGCACG")
SPLIT = SplitConfig(
    train=("chr1:0-120000",),
    choose=("chr1:120000-170000",),
    test=("chr1:170000-240000", "chr2"),
    window=64,
    distance=100,
    max_train=100,
    max_choose=40,
    max_test=60,
)
DONORS = SiteSet(name="planted", bed="sites.bed", stranded=True)


@pytest.fixture(scope="module")
def planted_genome(tmp_path_factory):
    """Two chromosomes whose GC drifts, a motif every 700 bases on either strand, and its BED."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("sites")
    arrays, lines = {}, []
    for name, length in (("chr1", 240_000), ("chr2", 30_000)):
        gc = 0.4 + 0.15 * np.sin(np.arange(length) / 9000)
        strong = rng.random(length) < gc
        first = rng.random(length) < 0.5
        ids = np.where(strong, np.where(first, 12, 13), np.where(first, 11, 14)).astype(np.uint8)
        ids[length // 3 : length // 3 + 500] = tokenizer.UNK
        for position in range(350, length - 350, 700):
            if rng.random() < 0.5:
                ids[position : position + len(MOTIF)] = MOTIF
                lines.append(f"{name}\t{position}\t{position + 1}\tx\t0\t+")
            else:
                other = tokenizer.reverse_complement_ids(MOTIF)
                ids[position - len(MOTIF) + 1 : position + 1] = other
                lines.append(f"{name}\t{position}\t{position + 1}\tx\t0\t-")
        arrays[name] = ids
    (folder / "sites.bed").write_text("\n".join(lines) + "\n")
    return Genome.from_arrays(arrays), folder


@pytest.fixture(scope="module")
def windows(planted_genome):
    genome, folder = planted_genome
    return labelled_windows(genome, DONORS, SPLIT, folder=folder)


@pytest.fixture(scope="module")
def encoder():
    config = NucelConfig(
        hidden_size=32,
        num_attention_heads=2,
        intermediate_size=48,
        layer_types=every_third_global(2),
        max_position_embeddings=65,
        initializer_range=0.3,
    )
    network = NucelEncoder(config)
    network.init_weights(0)
    return Nucel(network).eval()


def gc_of(ids):
    return ((ids == tokenizer.C) | (ids == tokenizer.G)).mean(axis=1)


def test_every_positive_is_read_on_its_strand_with_the_site_in_the_middle(windows):
    for part in PARTS:
        found = windows[part].ids[windows[part].positive]
        assert len(found) >= 10
        middle = found[:, 32 : 32 + len(MOTIF)]
        # the unknown stretch may cut a motif short; such windows are not used at all
        assert (middle == MOTIF).all()
    assert windows["train"].flip[windows["train"].positive].any()


def test_windows_of_a_part_lie_in_its_regions_and_nowhere_else(windows):
    regions = {
        "train": {"chr1": [(0, 120_000)]},
        "choose": {"chr1": [(120_000, 170_000)]},
        "test": {"chr1": [(170_000, 240_000)], "chr2": [(0, 30_000)]},
    }
    for part, allowed in regions.items():
        for name, start in zip(windows[part].chromosome, windows[part].start, strict=True):
            assert any(a <= start and start + 64 <= b for a, b in allowed[str(name)])
    assert set(windows["test"].chromosome[windows["test"].positive]) == {"chr1", "chr2"}


def test_negatives_match_the_gc_content_of_positives_on_the_same_chromosome(windows):
    for part in PARTS:
        found = windows[part]
        n = int(found.positive.sum())
        assert len(found.positive) == 2 * n
        assert (found.chromosome[:n] == found.chromosome[n:]).all()
        difference = np.abs(gc_of(found.ids[:n]) - gc_of(found.ids[n:]))
        assert difference.max() <= 0.02 + 1e-9


def test_negatives_keep_their_distance_hold_no_n_and_do_not_overlap(windows, planted_genome):
    _, folder = planted_genome
    sites = read_sites(folder / "sites.bed", stranded=True)
    for part in PARTS:
        found = windows[part]
        assert (found.ids >= tokenizer.A).all()
        for name in np.unique(found.chromosome):
            mine = ~found.positive & (found.chromosome == name)
            start = np.sort(found.start[mine])
            assert (np.diff(start) >= 64).all()
            # 100 bases from a site's window, which reaches at least 31 bases to either side
            gaps = np.abs(start[:, None] + 31.5 - sites[str(name)][:, 0])
            assert gaps.min() >= 31.5 + 100 + 31


def test_the_same_seed_draws_the_same_and_another_does_not(planted_genome, windows):
    genome, folder = planted_genome
    again = labelled_windows(genome, DONORS, SPLIT, folder=folder)
    other = labelled_windows(
        genome,
        DONORS,
        SplitConfig(**{**SPLIT.__dict__, "seed": 1}),
        folder=folder,
    )
    assert all((again[p].start == windows[p].start).all() for p in PARTS)
    assert not np.array_equal(other["train"].start, windows["train"].start)


@pytest.mark.parametrize(("letters", "offset"), [("GT", 0), ("AG", -1)])
def test_decoys_carry_the_letters_at_the_place_of_the_site(planted_genome, letters, offset):
    genome, folder = planted_genome
    sites = SiteSet(
        name="decoy", bed="sites.bed", stranded=True, decoy=letters, decoy_offset=offset
    )
    found = labelled_windows(genome, sites, SPLIT, folder=folder)["test"]
    negative = found.ids[~found.positive]
    at = 32 + offset
    assert (negative[:, at : at + 2] == tokenizer.encode(letters)).all()
    assert 0 < found.flip[~found.positive].mean() < 1


def test_plain_negatives_rarely_carry_the_letters(windows):
    negative = windows["train"].ids[~windows["train"].positive]
    assert (negative[:, 32:34] == tokenizer.encode("GT")).all(axis=1).mean() < 0.3


def test_gc_is_matched_nearest_first_and_each_offer_used_once():
    rng = np.random.default_rng(0)
    match = match_gc(np.array([5, 5, 20]), np.array([7, 5, 40]), 3, rng)
    assert sorted(match[:2].tolist()) == [0, 1]
    assert match[2] == -1


def test_window_starts_put_the_site_at_the_asked_base_on_both_strands():
    ids = np.random.default_rng(0).integers(11, 15, 50).astype(np.uint8)
    for at in (0, 3, 9):
        forward, other = window_starts(np.array([20, 20]), np.array([0, 1]), 10, at)
        assert ids[forward + at] == ids[20]
        read = tokenizer.reverse_complement_ids(ids[other : other + 10])
        assert read[at] == tokenizer.COMPLEMENT[ids[20]]


def test_inside_agrees_with_looking_at_every_base():
    rng = np.random.default_rng(0)
    intervals = np.array([[3, 9], [12, 20], [20, 22], [30, 60]])
    covered = np.zeros(80, dtype=int) - 1
    for number, (a, b) in enumerate(intervals):
        covered[a:b] = number
    start = rng.integers(0, 70, 200)
    expected = [len(set(covered[s : s + 5])) == 1 and covered[s] >= 0 for s in start]
    assert inside(start, 5, intervals).tolist() == expected


def test_overlapping_parts_are_refused(planted_genome):
    genome, folder = planted_genome
    leaky = SplitConfig(train=("chr1",), choose=("chr2",), test=("chr1:1000-2000",), window=64)
    with pytest.raises(DataError, match="share chr1:1000-2000"):
        labelled_windows(genome, DONORS, leaky, folder=folder)


def test_a_bed_without_strands_or_of_another_assembly_says_so(planted_genome, tmp_path):
    genome, _ = planted_genome
    (tmp_path / "sites.bed").write_text("chr1\t100\t101\n")
    with pytest.raises(DataError, match="line 1: column 6 must be"):
        labelled_windows(genome, DONORS, SPLIT, folder=tmp_path)
    (tmp_path / "sites.bed").write_text("chr9\t100\t101\tx\t0\t+\n")
    with pytest.raises(DataError, match=r"line 1 has a site of chr9, which is not in the FASTA"):
        labelled_windows(genome, DONORS, SPLIT, folder=tmp_path)
    with pytest.raises(GenomeError, match="cannot read"):
        labelled_windows(genome, DONORS, SPLIT, folder=tmp_path / "absent")
    (tmp_path / "sites.bed").write_text("chr1\tten\t101\tx\t0\t+\n")
    with pytest.raises(GenomeError, match="line 1: expected chrom, start, end"):
        read_sites(tmp_path / "sites.bed", stranded=False)


def test_a_probe_of_an_encoder_finds_the_planted_motif(encoder, windows):
    found = probe_model(encoder, windows, centred=True, draws=100)
    assert (
        found.auroc.low > 0.8
    )  # the encoder has random weights: what a random one keeps of the site
    assert found.mcc.value > 0.5
    assert found.features.endswith("site")
    assert found.auroc.n == len(windows["test"].positive)


def test_a_probe_of_shuffled_labels_finds_nothing(encoder, windows):
    rng = np.random.default_rng(1)
    features = {part: embeddings(encoder, windows[part].ids) for part in PARTS}
    values = [
        probe(
            features,
            {part: rng.permutation(windows[part].positive) for part in PARTS},
            penalties=(0.01,),
            draws=1,
        ).auroc.value
        for _ in range(20)
    ]
    assert np.mean(values) == pytest.approx(0.5, abs=4 * np.std(values) / 20**0.5)
    assert abs(np.mean(values) - 0.5) < 0.06


def test_what_is_chosen_depends_on_the_choose_part_and_never_on_the_test_part():
    rng = np.random.default_rng(0)
    labels = {part: rng.random(200) < 0.5 for part in PARTS}

    def signal(part, strength):
        return (rng.normal(size=(200, 3)) + strength * labels[part][:, None]).astype(np.float32)

    # "b" is worthless where choices are made and perfect where they are tested
    features = {
        "train": {"a": signal("train", 1.0), "b": signal("train", 1.0)},
        "choose": {"a": signal("choose", 1.0), "b": signal("choose", 0.0)},
        "test": {"a": signal("test", 1.0), "b": signal("test", 50.0)},
    }
    found = probe(features, labels, draws=10)
    assert found.features == "a"
    assert found.penalty in PENALTIES
    assert 0.8 < found.auroc.value < 0.99


def test_embeddings_are_the_encoders_states_pooled(encoder):
    ids = np.random.default_rng(0).integers(11, 15, (3, 20)).astype(np.uint8)
    found = embeddings(encoder, ids, site=4)
    tokens, _ = tokenizer.batch(list(ids))
    with torch.inference_mode():
        out = encoder(tokens, output_hidden_states=True)
    last, first = out.last_hidden_state.numpy(), out.hidden_states[1].numpy()
    assert set(found) == {f"layer {k}, {how}" for k in (1, 2) for how in ("mean", "[CLS]", "site")}
    assert found["layer 2, mean"] == pytest.approx(last[:, 1:].mean(axis=1), abs=1e-6)
    assert found["layer 2, [CLS]"] == pytest.approx(last[:, 0], abs=1e-6)
    assert found["layer 1, site"] == pytest.approx(first[:, 5], abs=1e-6)
