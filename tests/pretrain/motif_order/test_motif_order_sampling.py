"""Motif-order examples: sites lie where they are said to, and come from the matrices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nucel_genome import Genome, GenomeError
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.evaluation.markov import word_counts
from nucel_pretrain.motif_order.background import (
    Markov,
    Shuffled,
    Uniform,
    dinucleotide_shuffle,
    open_background,
)
from nucel_pretrain.motif_order.matrices import SHIPPED, Matrix, read_matrices, read_two
from nucel_pretrain.motif_order.sampling import Sampler, SamplingConfig, canonical
from nucel_pretrain.motif_order.scan import scan_accuracy

FIXED = {
    "A": Matrix("MA1", "A", np.eye(4)[[0, 0, 1, 1, 2]]),  # AACCG
    "B": Matrix("MB1", "B", np.eye(4)[[3, 2, 3, 2, 3, 1]]),  # TGTGTC
}
WORDS = {"A": ("AACCG", "CGGTT"), "B": ("TGTGTC", "GACACA")}


def sampler(background=None, motifs=None, **config):
    config = {"length": 60, "validation": 40, "held_out": 40, "seed": 3} | config
    a, b = motifs or FIXED.values()
    return Sampler(a, b, background or Uniform(), SamplingConfig(**config))


def words(bases, length):
    ids = np.asarray(bases, dtype=np.uint8) + np.uint8(tokenizer.A)
    return word_counts([ids], length)


def test_the_motifs_stand_where_the_sites_say_and_on_their_strand():
    for example in sampler().fixed("held_out"):
        for site in example.sites:
            found = example.sequence[site.start : site.end]
            assert found == WORDS[site.motif][site.strand == "-"]


def test_positive_is_a_before_b_half_of_all_and_sites_do_not_overlap():
    examples = sampler().fixed("held_out")
    assert sum(e.label for e in examples) == len(examples) / 2
    for example in examples:
        a, b = example.sites
        assert (a.motif, b.motif) == ("A", "B")
        first, second = (a, b) if example.label else (b, a)
        assert 0 <= first.start < first.end <= second.start < second.end <= 60


def test_places_are_uniform_over_all_pairs_that_fit():
    drawn = sampler(length=12, held_out=3000)  # 5 + 6 bases leave one over: three pairs
    starts = [(e.sites[0].start, e.sites[1].start) for e in drawn.fixed("held_out") if e.label]
    count = {pair: starts.count(pair) for pair in set(starts)}
    assert set(count) == {(0, 5), (0, 6), (1, 6)}
    assert all(abs(n - 500) < 4 * np.sqrt(500) for n in count.values()), count


def test_strands_are_drawn_evenly_or_all_forward():
    sites = [s for e in sampler(held_out=1000).fixed("held_out") for s in e.sites]
    minus = sum(s.strand == "-" for s in sites)
    assert abs(minus - 1000) < 4 * np.sqrt(500)
    forward = sampler(strands="forward").fixed("held_out")
    assert {s.strand for e in forward for s in e.sites} == {"+"}


def test_bases_of_a_site_have_the_matrix_frequencies_on_both_strands():
    a, b = read_two(SHIPPED)
    n = 2000
    counts = np.zeros((a.width, 4))
    for example in sampler(motifs=(a, b), held_out=n).fixed("held_out"):
        site = example.sites[0]
        ids = tokenizer.encode(example.sequence[site.start : site.end])
        ids = tokenizer.reverse_complement_ids(ids) if site.strand == "-" else ids
        counts[np.arange(a.width), ids - tokenizer.A] += 1
    spread = np.sqrt(a.columns * (1 - a.columns) / n)
    assert (np.abs(counts / n - a.columns) <= 5 * spread + 1 / n).all()


def test_an_example_is_a_function_of_seed_set_and_number():
    one, again, other = sampler(), sampler(), sampler(seed=4)
    assert one.fixed("held_out") == again.fixed("held_out")
    assert one.training(10**12) == again.training(10**12)
    assert one.example("train", 5) != other.example("train", 5)
    more = sampler(held_out=80).fixed("held_out")
    assert more[:40] == one.fixed("held_out")


def test_the_three_sets_share_no_sequence_on_either_strand():
    # so few sequences are possible here that plain draws repeat
    tight = sampler(length=12, validation=20, held_out=20)
    kept = {canonical(e.sequence) for s in ("validation", "held_out") for e in tight.fixed(s)}
    plain = {canonical(tight.example("train", i).sequence) for i in range(200)}
    trained = {canonical(tight.training(i).sequence) for i in range(200)}
    assert plain & kept
    assert trained
    assert not trained & kept
    everything = sampler(length=12, validation=2000, held_out=2000)
    with pytest.raises(DataError, match="all in the validation or held-out set"):
        [everything.training(i) for i in range(200)]


def test_motifs_too_wide_for_the_sequence_are_refused():
    with pytest.raises(DataError, match=r"A \(5 bases\) and B \(6\) do not fit .* into 6 bases"):
        sampler(length=6)
    with pytest.raises(ValueError, match="must be a multiple of 6"):
        SamplingConfig(length=100)


def test_a_uniform_background_has_a_quarter_of_each_base():
    bases = Uniform().draw(np.random.default_rng(0), "train", 40_000)
    assert np.abs(np.bincount(bases, minlength=4) / 40_000 - 0.25).max() < 0.01


@pytest.fixture
def real():
    """60,000 bases in which A is followed by C nine times of ten, with Ns in between."""
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 4, 60_000).astype(np.uint8)
    ids[1:][(ids[:-1] == 0) & (rng.random(59_999) < 0.9)] = 1
    ids += np.uint8(tokenizer.A)
    ids[30_000:30_050] = tokenizer.UNK
    return Genome.from_arrays({"chr1": ids})


def test_a_markov_background_has_the_transitions_of_its_source(real):
    background = Markov(real, 2, "a file")
    rng = np.random.default_rng(2)
    drawn = [background.draw(rng, "train", 252) for _ in range(150)]
    source = [real.fetch("chr1", *map(int, run)) - tokenizer.A for run in real.runs("chr1")]
    found, wanted = (
        sum(words(part, 3) for part in parts).reshape(-1, 4) for parts in (drawn, source)
    )
    found, wanted = (x / x.sum(axis=1, keepdims=True) for x in (found, wanted))
    assert np.abs(found - wanted).max() < 0.06
    assert np.abs(wanted - 0.25).max() > 0.2
    assert "order 2" in background.words


def test_a_shuffled_background_keeps_the_dinucleotides_of_a_window_of_its_own_set(real):
    background = Shuffled(real, 60, "a file")
    assert not set(background.starts["train"]) & set(background.starts["held_out"])
    rng = np.random.default_rng(3)
    for set_ in ("train", "validation", "held_out"):
        counts = {
            words(real.fetch(name, at, at + 60) - tokenizer.A, 2).tobytes()
            for name, at in background.starts[set_]
        }
        for _ in range(20):
            assert words(background.draw(rng, set_, 60), 2).tobytes() in counts


def test_a_dinucleotide_shuffle_reaches_every_order_alike():
    bases = np.array([0, 1, 0, 2, 0, 1, 1, 0], dtype=np.uint8)
    rng = np.random.default_rng(4)
    seen: dict[bytes, int] = {}
    for _ in range(3000):
        shuffled = dinucleotide_shuffle(bases, rng).tobytes()
        seen[shuffled] = seen.get(shuffled, 0) + 1

    def pairs(sequence):
        return sorted(itertools.pairwise(sequence))

    orders = {p for p in itertools.permutations(bases.tolist()) if pairs(p) == pairs(bases)}
    assert set(seen) == {bytes(o) for o in orders}
    expected = 3000 / len(orders)
    assert all(abs(n - expected) < 5 * np.sqrt(expected) for n in seen.values())


def test_backgrounds_that_need_sequence_say_so(tmp_path):
    with pytest.raises(DataError, match="a markov background is made from real sequence"):
        open_background("markov", order=2, length=60, fasta=())
    short = Genome.from_arrays({"chr1": np.full(300, tokenizer.A, dtype=np.uint8)})
    with pytest.raises(DataError, match="has 5 windows of 60 bases"):
        Shuffled(short, 60, "short.fa")


def test_the_matrices_themselves_tell_the_order():
    examples = sampler(length=252, motifs=read_two(SHIPPED)).fixed("held_out")
    assert scan_accuracy(*read_two(SHIPPED), examples, strands="both") > 0.95
    wrong = Matrix("x", "x", np.full((8, 4), 0.25))  # always finds place 0
    assert scan_accuracy(wrong, wrong, examples, strands="both") == 0.5


def test_the_shipped_motifs_are_informative_and_unlike():
    a, b = read_two(SHIPPED)
    assert (a.name, a.id, b.name, b.id) == ("RFX1", "MA0509.3", "IRF3", "MA1418.2")
    assert min(a.bits, b.bits) > 20
    assert b.reverse_complement().consensus == "GTTTCGGTTTCCGTTTC"
    flipped = (b.columns, b.reverse_complement().columns)
    for shift in range(-8, 9):  # no placement of one on the other agrees in more than 8 columns
        for columns in flipped:
            low, high = max(0, shift), min(a.width, shift + b.width)
            one, two = a.columns[low:high], columns[low - shift : high - shift]
            assert (one.argmax(axis=1) == two.argmax(axis=1)).sum() <= 8


def test_motif_files_that_cannot_be_meant_are_refused(tmp_path):
    path = tmp_path / "motifs.meme"
    head = "MEME version 4\n\nALPHABET= ACGT\n\n"
    rows = "letter-probability matrix: alength= 4 w= 2\n0.97 0.01 0.01 0.01\n0 0 0 1\n\n"
    path.write_text(head + f"MOTIF M1 one\n{rows}MOTIF M2 two\n{rows}")
    assert [m.name for m in read_two(path)] == ["one", "two"]
    for text, message in (
        ("not motifs", "is not a MEME motif file"),
        (head + f"MOTIF M1 one\n{rows}", r"holds 1 motifs \(one\); motif order needs"),
        (head + f"MOTIF M1 one\n{rows}MOTIF M2 one\n{rows}", "both motifs are called one"),
        (head + f"MOTIF M1 one\n{rows.replace('w= 2', 'w= 3')}", r"3 rows \(w= 3\) but has 2"),
        (
            head + f"MOTIF M1 one\n{rows.replace('0 0 0 1', '0 0 0 9')}",
            "If these are counts, divide",
        ),
        (
            head + f"MOTIF M1 one\n{rows.replace('0 0 0 1', '0 0 1')}",
            "line 8: motif M1: a row has 3 numbers",
        ),
        (head + "MOTIF M1 one\n", "has no letter-probability matrix"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_two(path)
    with pytest.raises(GenomeError, match=r"cannot read .*absent\.meme as MEME"):
        read_matrices(tmp_path / "absent.meme")
