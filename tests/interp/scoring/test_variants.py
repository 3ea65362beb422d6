"""Scores of variants: the definition with both alleles' windows written out, on both strands."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_genome import Genome
from nucel_interp.errors import InputError
from nucel_interp.scoring import variants
from nucel_interp.scoring.target import find_target, target_logit
from nucel_interp.scoring.variants import read_alleles, window_around
from nucel_interp.types import BASES, Variant, reverse_complement
from nucel_model import FolderError, NTConfig, Nucel, NucleotideTransformer, tokenizer
from nucel_model.heads import ClassificationHead, Task
from tests.toy import dna, logits, tiny

CONTEXT = 40
CHROMOSOME = dna(200)


def genome(sequence: str = CHROMOSOME) -> Genome:
    return Genome.from_arrays({"chr1": tokenizer.encode(sequence)})


def at(start: int, alt: str, length: int = 1) -> Variant:
    return Variant("chr1", start, CHROMOSOME[start : start + length], alt)


def other(base: str) -> str:
    return BASES[(BASES.index(base) + 1) % 4]


def both(model: Nucel, sequence: str) -> np.ndarray:
    """Log-odds of every base, mean of both strands."""
    turned = logits(model, reverse_complement(sequence))[::-1]
    return (logits(model, sequence) + turned) / 2


def test_a_substitution_is_in_the_middle_of_the_context() -> None:
    model, variant = tiny(CONTEXT), at(100, other(CHROMOSOME[100]))
    ref = CHROMOSOME[81:121]
    alt = ref[:19] + variant.alt + ref[20:]
    before, after = both(model, ref), both(model, alt)
    change = np.delete(after - before, 19)
    got = read_alleles(model, [variant], genome())
    np.testing.assert_allclose(got.site, (after - before)[19], atol=1e-5)
    np.testing.assert_allclose(got.flank, change.sum(), atol=1e-5)
    furthest = np.abs(change).argmax()
    np.testing.assert_allclose(got.largest, change[furthest], atol=1e-5)
    assert got.largest_at.tolist() == [81 + furthest + (furthest >= 19)]
    assert abs(got.largest[0]) > 0.01


@pytest.mark.parametrize(("length", "alt"), [(4, ""), (1, "GATTACA"), (3, "GG")])
def test_insertions_and_deletions_keep_both_flanks(length: int, alt: str) -> None:
    model = tiny(CONTEXT)
    anchor = CHROMOSOME[99]
    variant = Variant("chr1", 99, CHROMOSOME[99 : 99 + length], anchor + alt)
    window = window_around(variant, genome(), CONTEXT)
    ref, alternative = tokenizer.decode(window.ref), tokenizer.decode(window.alt)
    end = window.start + len(ref)
    assert CHROMOSOME[window.start : end] == ref
    changed = CHROMOSOME[:99] + variant.alt + CHROMOSOME[99 + length :]
    assert changed[window.start :].startswith(alternative)
    assert max(len(ref), len(alternative)) == CONTEXT
    before, after = both(model, ref), both(model, alternative)
    change = np.concatenate(
        [
            (after[: window.left] - before[: window.left]),
            after[len(after) - window.right :] - before[len(before) - window.right :],
        ]
    )
    got = read_alleles(model, [variant], genome())
    np.testing.assert_allclose(got.flank, change.sum(), atol=1e-5)
    inserts = (
        len(ref) > window.left + window.right and len(alternative) > window.left + window.right
    )
    assert np.isfinite(got.site[0]) == inserts


def test_what_both_alleles_share_is_no_part_of_the_variant() -> None:
    plain = at(100, other(CHROMOSOME[100]))
    padded = Variant(
        "chr1",
        98,
        CHROMOSOME[98:103],
        CHROMOSOME[98:100] + plain.alt + CHROMOSOME[101:103],
    )
    model = tiny(CONTEXT)
    one, two = (read_alleles(model, [v], genome()) for v in (plain, padded))
    assert (one.site, one.flank, one.largest_at) == (two.site, two.flank, two.largest_at)


def test_at_the_ends_of_a_chromosome_the_window_is_shorter() -> None:
    for start in (0, 199):
        window = window_around(at(start, other(CHROMOSOME[start])), genome(), CONTEXT)
        assert min(window.left, window.right) == 0
        assert len(window.ref) in (20, 21)
        got = read_alleles(tiny(CONTEXT), [at(start, other(CHROMOSOME[start]))], genome())
        assert np.isfinite([got.site, got.flank, got.largest]).all()


def test_n_around_a_variant_is_left_out() -> None:
    text = CHROMOSOME[:90] + "N" * 5 + CHROMOSOME[95:]
    got = read_alleles(tiny(CONTEXT), [at(100, other(CHROMOSOME[100]))], genome(text))
    assert np.isfinite([got.site, got.flank, got.largest]).all()
    assert not 90 <= got.largest_at[0] < 95
    lonely = Variant("chr1", 50, "A", "C")
    alone = read_alleles(tiny(CONTEXT), [lonely], genome("N" * 50 + "A" + "N" * 50))
    assert np.isnan(alone.flank[0])
    assert (np.isfinite(alone.site[0]), alone.largest_at[0]) == (True, -1)


def test_order_and_company_change_no_digit() -> None:
    model = tiny(CONTEXT)
    given = [at(i, other(CHROMOSOME[i])) for i in (50, 60, 70)] + [at(80, "", 3)]
    given[3] = Variant("chr1", 80, CHROMOSOME[80:83], CHROMOSOME[80])
    seen: list[int] = []
    together = read_alleles(model, given, genome(), on_progress=seen.append)
    backwards = read_alleles(model, given[::-1], genome())
    assert sum(seen) == 4
    np.testing.assert_array_equal(backwards.flank[::-1], together.flank)
    np.testing.assert_array_equal(read_alleles(model, given[:1], genome()).site, together.site[:1])


def test_the_other_strand_of_the_genome_gives_the_same_scores() -> None:
    model, text = tiny(CONTEXT), CHROMOSOME[: CONTEXT - 1]  # the whole of it is the window on both
    variant = at(19, other(CHROMOSOME[19]))
    ref, alt = reverse_complement(variant.ref), reverse_complement(variant.alt)
    one = read_alleles(model, [variant], genome(text))
    two = read_alleles(
        model, [Variant("chr1", len(text) - 20, ref, alt)], genome(reverse_complement(text))
    )
    np.testing.assert_allclose(one.flank, two.flank, atol=1e-5)
    np.testing.assert_allclose(one.site, two.site, atol=1e-5)
    assert one.largest_at + two.largest_at == [len(text) - 1]


def test_a_reference_allele_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="does not have"):
        read_alleles(tiny(CONTEXT), [Variant("chr1", 100, other(CHROMOSOME[100]), "A")], genome())


@pytest.mark.parametrize(
    ("task", "labels", "told"),
    [
        ("classes", ("no", "yes"), ["yes"]),
        ("classes", ("a", "b", "c"), ["a", "b", "c"]),
        ("multilabel", ("a", "b"), ["a", "b"]),
        ("regression", ("signal",), ["signal"]),
    ],
)
@pytest.mark.parametrize("discriminator", [True, False])
def test_a_fine_tuned_head_tells_how_its_prediction_changes(
    task: Task, labels: tuple[str, ...], told: list[str], discriminator: bool
) -> None:
    model = tiny(CONTEXT, discriminator)
    model.classifier_head = ClassificationHead(16, labels, task=task, pooling="mean")
    model.classifier_head.init_weights(0, std=1.0)
    variant = at(100, other(CHROMOSOME[100]))
    got = read_alleles(model, [variant], genome())
    assert [t.label for t in got.targets] == told
    assert np.isfinite(got.site[0]) == discriminator

    def number(sequence: str, label: str) -> float:
        values = []
        for text in (sequence, reverse_complement(sequence)):
            ids, mask = tokenizer.batch([tokenizer.encode(text)])
            with torch.inference_mode():
                values.append(float(target_logit(model, find_target(model, label), ids, mask)))
        return sum(values) / 2

    ref = CHROMOSOME[81:121]
    alt = ref[:19] + variant.alt + ref[20:]
    want = [number(alt, label) - number(ref, label) for label in told]
    np.testing.assert_allclose(got.predictions[0], want, atol=1e-5)
    assert np.abs(want).max() > 1e-3


def test_a_model_of_six_base_tokens_is_read_with_its_head() -> None:
    config = NTConfig(
        version="v2",
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=20 + 3,
    )
    encoder = NucleotideTransformer(config)
    encoder.init_weights(0)
    head = ClassificationHead(16, ["no", "yes"])
    head.init_weights(0, std=1.0)
    model = Nucel(encoder, classifier_head=head).eval()
    given = [at(100, other(CHROMOSOME[100])), at(3, "A", 4), at(100, "ACGTACG")]
    got = read_alleles(model, given, genome())
    assert np.isnan(got.site).all()
    assert (np.abs(got.predictions) > 0).all()
    every_other = genome("".join(c if i % 2 else "N" for i, c in enumerate(CHROMOSOME)))
    with pytest.raises(InputError, match=r"N beside a variant make \d+ tokens"):
        read_alleles(model, [at(101, other(CHROMOSOME[101]))], every_other)


def test_without_the_head_there_are_no_scores() -> None:
    with pytest.raises(FolderError, match="no discriminator head"):
        read_alleles(tiny(CONTEXT, head=False), [at(100, "A")], genome())


@pytest.mark.parametrize("seed", range(4))
def test_one_insertion_or_deletion_at_any_of_its_places_is_one_variant(seed: int) -> None:
    """Every way to write a change, by trying all, gives one window, and the leftmost one."""
    text = "".join(np.random.default_rng(seed).choice(["A", "CA", "CAG"], 40))
    whole = genome(text)
    edits: dict[str, list[Variant]] = {}
    for start in range(30, 50):
        for size in (1, 2, 3, 4, 6):
            ref = text[start - 1 : start + size]
            left = text[:start] + text[start + size :]
            edits.setdefault(left, []).append(Variant("chr1", start - 1, ref, ref[0]))
            longer = text[:start] + "CACAGA"[:size] + text[start:]
            alt = text[start - 1] + "CACAGA"[:size]
            edits.setdefault(longer, []).append(Variant("chr1", start - 1, text[start - 1], alt))
    many = 0
    for edited, written in edits.items():
        windows = [window_around(v, whole, CONTEXT) for v in written]
        first = windows[0]
        for variant, window in zip(written, windows, strict=True):
            assert (window.start, window.left) == (first.start, first.left)
            np.testing.assert_array_equal(window.alt, first.alt)
            at = window.start + window.left
            assert at + window.moved == variant.start + 1  # one base in front is given
            assert at == 0 or not _reaches(text, edited, at - 1)
        many += len(written) > 1
    assert many > 5


def _reaches(text: str, edited: str, at: int) -> bool:
    """Whether one run of bases put in or taken out at ``at`` makes the edited text."""
    size = len(edited) - len(text)
    if size < 0:
        return text[:at] + text[at - size :] == edited
    return edited[:at] + edited[at + size :] == text


def test_a_change_in_a_repeat_longer_than_what_is_looked_at_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(variants, "LOOK_BP", 4)
    whole = genome("G" + "CAT" * 30 + "GG")
    window = window_around(Variant("chr1", 84, "TCAT", "T"), whole, CONTEXT)
    assert (window.start + window.left, window.moved) == (1, 84)
    at_start = window_around(Variant("chr1", 30, "AA", "A"), genome("A" * 50), CONTEXT)
    assert (at_start.start, at_start.left, at_start.moved) == (0, 0, 30)


def test_rows_of_one_deletion_written_twice_are_equal() -> None:
    text = CHROMOSOME[:100] + "GAAAAAAG" + CHROMOSOME[108:]
    written = [Variant("chr1", 100, "GA", "G"), Variant("chr1", 105, "AA", "A")]
    got = read_alleles(tiny(CONTEXT), written, genome(text))
    assert got.moved.tolist() == [0, 5]  # bcftools norm: position 106 becomes 101
    for values in (got.flank, got.largest, got.largest_at):
        assert values[0] == values[1]
    assert abs(got.flank[0]) > 0.01
