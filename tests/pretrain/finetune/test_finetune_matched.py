"""Sequences of a FASTA file against windows of a genome."""

from __future__ import annotations

import random

import numpy as np
import pytest

from nucel_genome import Genome, GenomeError
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune import matched
from nucel_pretrain.finetune.classifier import reverse_complement
from nucel_pretrain.finetune.matched import matched_dataset
from tests.toy import dna


@pytest.fixture
def genome(monkeypatch):
    rng = np.random.default_rng(0)
    made = {
        f"chr{i}": rng.choice(list(tokenizer.BASE_IDS), 60_000).astype(np.uint8) for i in range(5)
    }
    monkeypatch.setattr(matched.Genome, "open", lambda *_, **__: Genome.from_arrays(made))
    return made


def write(path, records):
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in records))
    return path


def gc(sequence):
    return (sequence.count("G") + sequence.count("C")) / len(sequence)


def test_every_sequence_has_a_window_like_it_on_its_chromosome(genome, tmp_path):
    records = []
    for name, ids in genome.items():
        for start in range(1_000, 50_000, 5_000):
            width = 100 + start // 1_000
            end = start + width
            records.append((f"{name}:{start}-{end}", tokenizer.decode(ids[start:end])))
    found = matched_dataset(write(tmp_path / "p.fa", records), ["x.fa"])
    homes = {}
    for part, data in found.parts.items():
        assert data.targets.mean() == 0.5
        homes[part] = {name.split(":")[0] for name in data.names}
        pairs = list(zip(data.sequences, data.names, data.targets, strict=True))
        for (yes, said, one), (no, place, zero) in zip(pairs[::2], pairs[1::2], strict=True):
            assert (one, zero) == (1, 0)
            assert len(yes) == len(no)
            assert abs(gc(yes) - gc(no)) <= 0.02
            name, _, span = place.partition(":")
            start, end = map(int, span[:-3].split("-"))
            assert said.startswith(f"{name}:")
            there = tokenizer.decode(genome[name][start:end])
            assert no == (reverse_complement(there) if place.endswith("(-)") else there)
            for other, _ in records:
                home, _, at = other.partition(":")
                low, high = map(int, at.split("-"))
                assert home != name or end <= low - 1_000 or start >= high + 1_000
    assert not homes["train"] & homes["test"]


def test_the_order_of_the_file_does_not_matter_and_odd_files_are_said(genome, tmp_path):
    rng = random.Random(0)
    records = [(f"s{i}", dna(80, rng)) for i in range(40)]
    one = matched_dataset(write(tmp_path / "a.fa", records), ["x.fa"])
    other = matched_dataset(write(tmp_path / "b.fa", records[::-1]), ["x.fa"])
    for part in one.parts:
        assert set(one.parts[part].sequences) == set(other.parts[part].sequences)
    poor = [(f"s{i}", "A" * 80) for i in range(40)]
    with pytest.raises(DataError, match="0 of 40 sequences have a window of like GC content"):
        matched_dataset(write(tmp_path / "c.fa", poor), ["x.fa"])
    (tmp_path / "d.fa").write_text("ACGT\n")
    with pytest.raises(GenomeError, match=r"cannot read .* as FASTA"):
        matched_dataset(tmp_path / "d.fa", ["x.fa"])
