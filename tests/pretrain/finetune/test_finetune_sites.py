"""Sites of a genome as labelled sequences."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_genome import Genome
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune import sites
from nucel_pretrain.finetune.sites import sites_dataset


@pytest.fixture
def genome(monkeypatch):
    rng = np.random.default_rng(0)
    made = {
        f"chr{i}": rng.choice(list(tokenizer.BASE_IDS), 100_000).astype(np.uint8) for i in range(6)
    }
    monkeypatch.setattr(sites.Genome, "open", lambda *_, **__: Genome.from_arrays(made))
    return made


def write_bed(path, chromosomes):
    lines = [f"{c}\t{at}\t{at + 10}" for c in chromosomes for at in range(5_000, 90_000, 4_000)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_windows_and_matched_ones_by_chromosome(genome, tmp_path):
    bed = write_bed(tmp_path / "peaks.bed", genome)
    found = sites_dataset(bed, ["x.fa"], window=100)
    homes = {
        name: {said.split(":")[0] for said in part.names} for name, part in found.parts.items()
    }
    assert homes["test"]
    assert homes["dev"]
    assert len(homes["train"]) >= 3
    assert not homes["train"] & homes["test"]
    assert not homes["train"] & homes["dev"]
    assert not homes["dev"] & homes["test"]
    for part in found.parts.values():
        assert part.targets.mean() == 0.5
        gc = np.array([(s.count("G") + s.count("C")) / 100 for s in part.sequences])
        yes, no = (np.sort(gc[part.targets == label]) for label in (1, 0))
        assert np.abs(yes - no).max() <= 0.02 + 1e-9
        for said, sequence, label in zip(part.names, part.sequences, part.targets, strict=True):
            name, _, place = said.partition(":")
            start = int(place.split("-")[0])
            assert tokenizer.decode(genome[name][start : start + 100]) == sequence
            assert ((start + 50 - 5_005) % 4_000 == 0) == bool(label)


def test_regions_may_be_given_and_too_few_chromosomes_are_said(genome, tmp_path):
    bed = write_bed(tmp_path / "peaks.bed", ["chr0", "chr1"])
    with pytest.raises(DataError, match=r"2 chromosomes .* --train, --dev, --test"):
        sites_dataset(bed, ["x.fa"], window=100)
    with pytest.raises(DataError, match="for all of --train, --dev and --test"):
        sites_dataset(bed, ["x.fa"], window=100, train=["chr0"])
    found = sites_dataset(
        bed, ["x.fa"], window=100, train=["chr0"], dev=["chr1:0-50000"], test=["chr1:50000-100000"]
    )
    assert len(found.parts["train"]) == 2 * 22
    assert {len(found.parts["dev"]), len(found.parts["test"])} <= {20, 22, 24}
