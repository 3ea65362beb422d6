"""How often is something claimed of sequences that hold nothing?

    python -m benchmarks.false_claims --model nucel-mini --runs 200
    python -m benchmarks.false_claims --motifs --runs 200

Without ``--motifs`` the rule that `motifs`, `heads`, `compare` and `agree` share is applied to
intervals drawn at random, one in each sequence: nothing that a head could look at. The heads are
those of the model, chosen on one half; its randomly initialised control and shuffled copies are
read as the commands read them. With ``--motifs`` the main job is run as a whole, with its
intervention, by a network of two layers (reading with ``nucel-mini`` would take hours); motifs in
the main table, motifs said to be looked at and effects of the intervention are counted.

Sequences are uniform random DNA, or dinucleotide-shuffled copies of the shipped CTCF peaks. Printed
are the runs with a claim, and their share with a 95 % interval (Clopper and Pearson).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import resources

import numpy as np
from scipy.stats import binomtest

from nucel_interp.api.find_motifs import find_motifs
from nucel_interp.compare.intervention.intervene import Scored, intervene
from nucel_interp.controls.beyond import at_questions, beyond_controls, both_ways
from nucel_interp.controls.intervals import random_sites
from nucel_interp.controls.occurrences import given_occurrences
from nucel_interp.io.fasta import read_records
from nucel_interp.scoring import score_sequences, shuffled
from nucel_interp.sequences import Sequences
from nucel_interp.types import Record, Site
from nucel_model import (
    Nucel,
    NucelConfig,
    NucelEncoder,
    every_third_global,
    from_pretrained,
    random_control,
)
from nucel_model.heads import ReplacedTokenHead

WIDTH = 12


def uniform(n: int, length: int, seed: int) -> list[str]:
    """Random DNA, all bases alike."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(n)]


def shuffled_peaks(n: int, length: int, seed: int) -> list[str]:
    """The middles of shipped CTCF peaks, dinucleotides shuffled."""
    path = resources.files("nucel_interp.data") / "gm12878_ctcf_top500.fa"
    peaks = [r.sequence for r in read_records(str(path))]
    chosen = np.random.default_rng(seed).choice(len(peaks), size=n, replace=False)
    middles = [peaks[i][(len(peaks[i]) - length) // 2 :][:length] for i in chosen.tolist()]
    return [shuffled(s, seed=seed) for s in middles]


INPUTS: dict[str, Callable[[int, int, int], list[str]]] = {
    "uniform random": uniform,
    "shuffled peaks": shuffled_peaks,
}


def small_network() -> Nucel:
    """Two layers of random weights, made so large that what stands at a base tells elsewhere."""
    import torch

    config = NucelConfig(
        hidden_size=32, num_attention_heads=4, intermediate_size=32,
        layer_types=every_third_global(2), local_attention=32, max_position_embeddings=257,
    )  # fmt: skip
    torch.manual_seed(0)
    encoder = NucelEncoder(config)
    encoder.init_weights(0)
    with torch.no_grad():
        for p in encoder.parameters():
            p.mul_(3)
    head = ReplacedTokenHead(config)
    return Nucel(encoder, head, name="small network").eval()


def looked_at_random_intervals(model: Nucel, sequences: list[str], seed: int) -> str:
    """The rule's verdict on one random interval in each sequence."""
    units = Sequences(sequences)
    known = np.ones(units.n_bases, dtype=bool)
    half = np.random.default_rng(seed).permutation(len(sequences)) % 2 == 1
    asked = [Site(i, 0, WIDTH, ".", 0, 0) for i in range(len(sequences))]
    sites = random_sites(asked, units, units.number, known, seed, "false claims")
    found = given_occurrences("random", sites, units, known, half, seed)
    question = both_ways("random", found, half)
    used = np.ones(len(sequences), dtype=bool)

    def at(reader: Nucel, texts: list[str]):
        received = score_sequences(reader, texts).received
        return at_questions([question], received, units.offsets, half, used)

    (one,) = beyond_controls(
        [question],
        at(model, sequences),
        half,
        random_control=at(random_control(model, seed), sequences),
        shuffled=[at(model, [shuffled(s, seed=seed) for s in sequences])],
    )
    return one.verdict()


def main_job(model: Nucel, sequences: list[str], seed: int) -> tuple[int, int, int]:
    """Motifs in the main table, of them said to be looked at, and effects of the intervention."""
    records = [Record(f"s{i}", s) for i, s in enumerate(sequences)]
    result = find_motifs(records, model, seed=seed)
    shown = 0
    if len(result.seqlets):
        assert result.study is not None
        assert result.calls is not None
        assert result.copy is not None
        assert result.copy_calls is not None
        given = Scored(result.study.sequences, result.calls, result.track)
        copy = Scored(result.copy.sequences, result.copy_calls, result.copy.track)
        shown = len(intervene(model, given, copy, seed).shown)
    return len(result.motifs), int((result.motifs["looked_at"] == "yes").sum()), shown


def told(name: str, what: str, runs: list[bool]) -> str:
    """One line of the table."""
    low, high = binomtest(sum(runs), len(runs)).proportion_ci()
    share = f"{np.mean(runs):.3f}\t{low:.3f}\t{high:.3f}"
    return f"{name}\t{what}\t{len(runs)}\t{sum(runs)}\t{share}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument("--motifs", action="store_true", help="run the main job as a whole")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--sequences", type=int, default=60)
    parser.add_argument("--length", type=int, default=120)
    given = parser.parse_args()
    print("input\tclaim\truns\twith a claim\tshare\tlow\thigh", flush=True)
    for name, make in INPUTS.items():
        if given.motifs:
            model = small_network()
            rows = [
                main_job(model, make(given.sequences, given.length, seed), seed)
                for seed in range(given.runs)
            ]
            for i, what in enumerate(("a motif", "looked at", "intervention")):
                print(told(name, what, [row[i] > 0 for row in rows]), flush=True)
        else:
            loaded = from_pretrained(given.model)
            verdicts = [
                looked_at_random_intervals(loaded, make(given.sequences, given.length, seed), seed)
                for seed in range(given.runs)
            ]
            for verdict in ("yes", "no", "cannot tell"):
                print(told(name, verdict, [v == verdict for v in verdicts]), flush=True)


if __name__ == "__main__":
    main()
