"""Can a model tell a changed base in unseen sequence? Beside Markov models of its training data.

Four bases of each 256-bp window are replaced, uniformly by one of the other three. A model's score
is its replaced log-odds; a Markov model's is explained in `nucel_pretrain.evaluation.markov`.
Intervals resample windows, and each difference is taken on the same resamples.

    python -m benchmarks.planted_changes --fasta chr20.fa.gz --fasta chrX.fa.gz \
        --exclude chr20:38000000-63025520 --region chr20:40000000-63025520 --model nucel-mini

The Markov models' one constant was chosen on the validation region, never on the held-out one:

    python -m benchmarks.planted_changes ... --choose-in chr20:38000000-40000000
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from nucel_genome import Genome
from nucel_model import from_pretrained, random_control
from nucel_pretrain.data import DataConfig, Windows
from nucel_pretrain.evaluation.markov import log_probabilities, markov_scores, word_counts
from nucel_pretrain.evaluation.metrics import Ranked, estimate
from nucel_pretrain.evaluation.planted import model_scores, planted, ranked

CONCENTRATION = 256.0
CHOICES = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", action="append", required=True)
    parser.add_argument("--exclude", action="append", default=[], help="not fitted on")
    parser.add_argument("--region", required=True, help="windows are drawn here")
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--orders", type=int, nargs="*", default=[3, 5, 8, 11])
    parser.add_argument("--draws", type=int, default=500, help="bootstrap resamples")
    parser.add_argument(
        "--choose-in", metavar="REGION", help="only show what each smoothing constant gives there"
    )
    args = parser.parse_args()
    genome = Genome.open(args.fasta)
    started = time.perf_counter()
    usable = Windows(genome, DataConfig(exclude=tuple(args.exclude)))
    counts = word_counts(usable.stretches(), max(args.orders) + 1)
    print(f"words counted in {time.perf_counter() - started:.0f} s")
    region = args.choose_in or args.region
    held = Windows(genome, DataConfig(validation=(region,)), validation=True)
    ids, changed = planted(held, args.windows, seed=11)
    n = len(ids)
    print(f"AUROC of {changed.sum():,} planted changes in {n:,} windows of {region}")
    if args.choose_in:
        for a in CHOICES:
            for order in args.orders:
                scores = markov_scores(log_probabilities(counts, order, a), order, ids)
                print(f"order {order:>2}, constant {a:>5g}: {Ranked(scores, changed).auroc():.4f}")
        return
    rankings: dict[str, Ranked] = {}

    def show(name: str, scores: np.ndarray) -> None:
        rankings[name] = ranked(scores, changed)
        print(f"{name:<36} {estimate(rankings[name].auroc, n, draws=args.draws)}", flush=True)

    model = from_pretrained(args.model)
    both = f"{model.name}, both strands"
    show(model.name, model_scores(model, ids))
    show(both, model_scores(model, ids, both_strands=True))
    control = random_control(model, seed=0)
    control.discriminator_head = model.discriminator_head
    show("its head on a randomly initialised encoder", model_scores(control, ids))
    for order in args.orders:
        table = log_probabilities(counts, order, CONCENTRATION)
        show(f"two-sided Markov, order {order}", markov_scores(table, order, ids))
    pair = {name: rankings.pop(name) for name in (model.name, both)}
    for mine, ours in pair.items():
        print(f"\n{mine} minus each, on the same resamples of windows")
        for name, other in rankings.items():
            difference = estimate(
                lambda counts, ours=ours, other=other: ours.auroc(counts) - other.auroc(counts),
                n,
                draws=args.draws,
            )
            print(f"{name:<36} {difference}", flush=True)


if __name__ == "__main__":
    main()
