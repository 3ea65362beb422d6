"""Is a linear probe of the model better than what needs no pre-training?

The probes of `nucel-pretrain evaluate` (same windows, negatives and split, from the same settings),
beside: randomly initialised encoders of the same shape, a logistic regression on 6-mer counts, and
a small convolution on one-hot sequence. Everything is fitted on the train part and chosen on
the choose part; the table is of the test part. Intervals resample test windows, and the difference
of the model and the mean of each peer's seeds is taken on the same resamples. Caps on the sites of
each part are in the settings.

    python -m benchmarks.probes --fasta chr20.fa.gz --fasta chrX.fa.gz --sites-dir annotation
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nucel_genome import Genome
from nucel_model import from_pretrained, random_control, tokenizer
from nucel_pretrain.evaluation.metrics import Ranked, auroc, best_threshold, estimate
from nucel_pretrain.evaluation.probes import ProbeResult, measure, probe, probe_model
from nucel_pretrain.evaluation.settings import read_evaluation
from nucel_pretrain.evaluation.sites import PARTS, Labelled, labelled_windows

KMER = 6
EPOCHS, PATIENCE = 60, 8


def kmer_counts(ids: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 4096): square roots of how often each 6-mer occurs in a window, in reading direction."""
    codes = ids.astype(np.int64) - tokenizer.A
    n = codes.shape[1] - KMER + 1
    word = sum(codes[:, i : i + n] * 4 ** (KMER - 1 - i) for i in range(KMER))
    rows = np.arange(len(ids))[:, None] * 4**KMER
    counts = np.bincount((word + rows).ravel(), minlength=len(ids) * 4**KMER)
    return np.sqrt(counts.reshape(len(ids), -1)).astype(np.float32)


class Convolution(nn.Module):
    """Two convolutions, pooled to 16 places, two dense layers: 84,000 weights at 256 bases."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(4, 64, 15, padding=7),
            nn.ReLU(),
            nn.MaxPool1d(4),
            nn.Conv1d(64, 64, 9, padding=4),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(16),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(64 * 16, 40),
            nn.ReLU(),
            nn.Linear(40, 1),
        )

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(n, bases) codes 0 to 3 to (n,) log-odds."""
        one_hot = nn.functional.one_hot(ids, 4).float().transpose(1, 2)
        return self.layers(one_hot).squeeze(1)


def convolution(windows: Labelled, seed: int, draws: int) -> ProbeResult:
    """Trained from scratch on the train part, stopped by AUROC on the choose part."""
    torch.manual_seed(seed)
    network = Convolution()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    ids = {p: torch.from_numpy(windows[p].ids.astype(np.int64) - tokenizer.A) for p in PARTS}
    labels = {p: windows[p].positive for p in PARTS}
    target = torch.from_numpy(labels["train"].astype(np.float32))
    best, kept, since = -1.0, network.state_dict(), 0
    for _ in range(EPOCHS):
        network.train()
        for rows in torch.randperm(len(target)).split(32):
            loss = nn.functional.binary_cross_entropy_with_logits(
                network(ids["train"][rows]), target[rows]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            found = auroc(network(ids["choose"]).numpy(), labels["choose"])
        since += 1
        if found > best:
            best, kept, since = found, copy.deepcopy(network.state_dict()), 0
        if since >= PATIENCE:
            break
    network.load_state_dict(kept)
    with torch.inference_mode():
        threshold = best_threshold(network(ids["choose"]).numpy(), labels["choose"])
        scores = network(ids["test"]).numpy().astype(np.float64)
    both = measure(scores, labels["test"], threshold, draws=draws)
    return ProbeResult(*both, "one-hot", float("nan"), best, scores, labels["test"])


def show(name: str, found: list[ProbeResult]) -> None:
    """One row; with several seeds their mean and range."""
    if len(found) == 1:
        one = found[0]
        print(f"  {name:<28} {one.auroc}   MCC {one.mcc}   {one.features}", flush=True)
        return
    values, mcc = ([getattr(f, m).value for f in found] for m in ("auroc", "mcc"))
    print(
        f"  {name:<28} {np.mean(values):.4f} (seeds {min(values):.4f} to {max(values):.4f})   "
        f"MCC {np.mean(mcc):.4f} (seeds {min(mcc):.4f} to {max(mcc):.4f})",
        flush=True,
    )


def difference(model: ProbeResult, peers: list[ProbeResult], draws: int) -> str:
    """AUROC of the model minus the mean over a peer's seeds, on the same resamples."""
    mine = Ranked(model.scores, model.positive)
    theirs = [Ranked(p.scores, p.positive) for p in peers]
    found = estimate(
        lambda counts: mine.auroc(counts) - float(np.mean([t.auroc(counts) for t in theirs])),
        len(model.positive),
        draws=draws,
    )
    return f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", action="append", required=True)
    parser.add_argument("--sites-dir", type=Path, required=True)
    parser.add_argument("--settings", default="evaluate-hg19")
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument(
        "--seeds",
        type=int,
        default=3,
        help="number of randomly initialised encoders and of convolutions",
    )
    parser.add_argument("--only", action="append", help="a name in [[sites]]; may be repeated")
    args = parser.parse_args()
    settings = read_evaluation(args.settings)
    assert settings.split is not None, "the settings have no [split]"
    genome = Genome.open(args.fasta)
    model = from_pretrained(args.model)
    penalties, draws = settings.probes.penalties, settings.draws
    print("AUROC and Matthews correlation on the test part, 95 % intervals over windows")
    for sites in settings.sites:
        if args.only and sites.name not in args.only:
            continue
        windows = labelled_windows(genome, sites, settings.split, folder=args.sites_dir)
        labels = {p: windows[p].positive for p in PARTS}
        n = {p: int(labels[p].sum()) for p in PARTS}
        print(f"\n{sites.name}: {n['train']}, {n['choose']}, {n['test']} sites, as many negatives")
        print(f"  without a negative like them: {sum(windows[p].without_match for p in PARTS)}")
        rows: dict[str, list[ProbeResult]] = {}

        def add(name: str, found: list[ProbeResult], rows: dict = rows) -> None:
            rows[name] = found
            show(name, found)

        def encoder(network: nn.Module, windows: Labelled = windows, sites=sites) -> ProbeResult:
            return probe_model(
                network, windows, centred=sites.stranded, penalties=penalties, draws=draws
            )

        add(model.name, [encoder(model)])
        controls = (random_control(model, seed) for seed in range(args.seeds))
        add("random weights, same shape", [encoder(control) for control in controls])
        counts = {p: {"6-mers": kmer_counts(windows[p].ids)} for p in PARTS}
        add("6-mer counts", [probe(counts, labels, penalties=penalties, draws=draws)])
        add("convolution, one-hot", [convolution(windows, s, draws) for s in range(args.seeds)])
        (mine,) = rows.pop(model.name)
        for name, peers in rows.items():
            print(f"  {model.name} - {name}: {difference(mine, peers, draws)}", flush=True)


if __name__ == "__main__":
    main()
