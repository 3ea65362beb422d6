"""Does attention, or the hidden state, tell a real site from the same letters beside it?

Splice donors: the GT of an annotated donor against every other GT of its 256-bp window on the same
strand; acceptors likewise with AG; CTCF: the best match of its JASPAR matrix (MA0139.2) in the
window around a bound region against every other place of that width not overlapping it. The number
is the mean over windows of the share of these alternatives that score lower (ties half): an AUROC
within the window, 0.5 for chance. Sites lie at a random place between base 32 and 224, so that no
position effect can pass for knowledge.

Attention: ``received`` of each head, averaged over the site's bases; the best head is chosen on one
half of the held-out windows and reported on the other (the halves lie on either side of the median
window by position). Probe: a logistic regression on the last hidden state at the
first base of the word, fitted on the train part and its penalty chosen on the choose part, measured
on all held-out windows (donors and acceptors). Beside both: randomly initialised encoders of the
same shape, and a logistic regression on the one-hot letters 10 bases to either side. Intervals
resample windows. CTCF windows without a good match still have a best one, so that number is a
lower bound.

    python -m benchmarks.known_sites --fasta chr20.fa.gz --fasta chrX.fa.gz --sites-dir annotation
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from nucel_genome import Genome, intersect
from nucel_genome.meme import parse_meme
from nucel_genome.text import read_text
from nucel_model import Nucel, from_pretrained, random_control, tokenizer
from nucel_pretrain.evaluation.metrics import Estimate, estimate, ratio
from nucel_pretrain.evaluation.progress import slices
from nucel_pretrain.evaluation.settings import read_evaluation
from nucel_pretrain.evaluation.sites import (
    PARTS,
    SplitConfig,
    fetch_windows,
    inside,
    read_sites,
    split_regions,
    window_starts,
)

WINDOW, MARGIN, FLANK = 256, 32, 10
PENALTIES = (0.0001, 0.001, 0.01, 0.1)
MEME = Path(__file__).parents[1] / "nucel_interp/data/JASPAR2026_CORE.meme.gz"


@dataclass
class Places:
    """Windows and, in each, places of which one is real; all arrays one row a place but ``ids``."""

    ids: NDArray[np.uint8]
    window: NDArray[np.int64]
    start: NDArray[np.int64]
    real: NDArray[np.bool_]
    width: int


def cut(
    genome: Genome, path: Path, split: SplitConfig, part: str, limit: int, *, stranded: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Windows with the site at a random place; by position, at most ``limit``; that place."""
    found, regions = read_sites(path, stranded=stranded), split_regions(genome, split)[part]
    rng = np.random.default_rng(zlib.crc32(f"{path.name}/{part}".encode()))
    rows = []
    for name in sorted(found.keys() & regions.keys()):
        usable = intersect(genome.runs(name), regions[name])
        position, flip = found[name].T
        at = rng.integers(MARGIN, WINDOW - MARGIN, len(position))
        start = window_starts(position, flip, WINDOW, at)
        ok = inside(start, WINDOW, usable)
        rows += list(zip([name] * int(ok.sum()), start[ok], flip[ok], at[ok], strict=True))
    kept = sorted(rng.permutation(len(rows))[:limit].tolist())
    name, start, flip, at = zip(*(rows[i] for i in kept), strict=True)
    ids = fetch_windows(genome, np.array(name), np.array(start), np.array(flip, dtype=bool), WINDOW)
    return ids, np.array(at)


def words(ids: NDArray[np.uint8], at: NDArray[np.int64], word: str, offset: int) -> Places:
    """Every place of the word; real is the one whose first letter is ``offset`` from the site."""
    letters = tokenizer.encode(word)
    hit = np.all([ids[:, i : WINDOW - 1 + i] == letter for i, letter in enumerate(letters)], axis=0)
    hit[:, :FLANK] = hit[:, WINDOW - FLANK - 2 :] = False  # the one-hot peer needs its flanks
    window, start = np.nonzero(hit)
    real = start == at[window] + offset
    kept = np.isin(window, window[real])
    return Places(ids, window[kept], start[kept], real[kept], len(word))


def motif_places(ids: NDArray[np.uint8], log_odds: NDArray[np.float64]) -> Places:
    """Every place as wide as the motif; real is its best match on either strand."""
    width = len(log_odds)
    n = WINDOW - width + 1
    codes = ids.astype(np.int64) - tokenizer.A
    score = np.max(
        [
            sum(matrix[i][codes[:, i : i + n]] for i in range(width))
            for matrix in (log_odds, log_odds[::-1, ::-1])
        ],
        axis=0,
    )
    best = score.argmax(axis=1)
    apart = np.abs(np.arange(n)[None] - best[:, None])
    window, start = np.nonzero((apart >= width) | (apart == 0))
    return Places(ids, window, start, start == best[window], width)


def read_matrix(name: str) -> NDArray[np.float64]:
    """Log-odds (width, 4) against a uniform background, from a MEME file."""
    (motif,) = (m for m in parse_meme(read_text(MEME, "MEME motifs"), str(MEME)) if m.id == name)
    return np.log((motif.columns + 0.001) / 1.004 / 0.25)


def within(scores: NDArray[np.floating], places: Places) -> NDArray[np.float64]:
    """Per window, share of the alternatives below the real place, ties half.

    Args:
        scores: (places,) or (places, heads).
        places: Real and alternative places of each window.

    Returns:
        (windows with alternatives,) or (windows, heads), windows in order.
    """
    scores = scores.reshape(len(scores), -1)
    number = np.full(len(places.ids), -1)
    number[places.window[places.real]] = np.arange(int(places.real.sum()))
    mine = scores[places.real][number[places.window]]
    wins = (mine > scores) + 0.5 * (mine == scores)
    others = ~places.real
    total = np.zeros((int(places.real.sum()), scores.shape[1]))
    np.add.at(total, number[places.window[others]], wins[others])
    n = np.bincount(number[places.window[others]], minlength=len(total))
    return (total[n > 0] / n[n > 0, None]).squeeze()


def mean_of(values: NDArray[np.float64]) -> Estimate:
    return estimate(ratio(values, np.ones(len(values))), len(values), draws=1000)


@torch.inference_mode()
def hidden_states(model: Nucel, ids: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Last hidden state (n, bases, hidden)."""
    batches = (tokenizer.batch(list(ids[r]))[0] for r in slices(len(ids), 32, model.name))
    return np.concatenate([model(b).last_hidden_state[:, 1:].numpy() for b in batches])


@torch.inference_mode()
def read_model(
    model: Nucel, ids: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Attention received (n, layers * heads, bases) and last hidden state (n, bases, hidden)."""
    received, hidden = [], []
    for rows in slices(len(ids), 32, model.name):
        profile = model.profile(tokenizer.batch(list(ids[rows]))[0])
        received.append(profile.received.flatten(1, 2).numpy())
        hidden.append(profile.last_hidden_state[:, 1:].numpy())
    return np.concatenate(received), np.concatenate(hidden)


def attention(received: NDArray[np.float32], places: Places) -> tuple[int, Estimate]:
    """Best head on the windows of the first half by position, and its value on the second."""
    total = np.cumsum(np.pad(received, ((0, 0), (0, 0), (1, 0))), axis=2, dtype=np.float64)
    mean = (
        total[places.window, :, places.start + places.width] - total[places.window, :, places.start]
    ) / places.width
    values = within(mean, places)
    half = len(values) // 2
    head = int(values[:half].mean(axis=0).argmax())
    return head, mean_of(values[half:, head])


def line(features: dict[str, NDArray[np.float32]], places: dict[str, Places]) -> Estimate:
    """Logistic regression of real against not: trained, chosen and measured on the three parts."""
    centre, scale = features["train"].mean(axis=0), features["train"].std(axis=0)
    scale[scale == 0] = 1.0
    best, kept = -1.0, np.empty(0)
    for penalty in PENALTIES:
        fitted = LogisticRegression(C=penalty, max_iter=2000, class_weight="balanced")
        fitted.fit((features["train"] - centre) / scale, places["train"].real)
        scores = {p: fitted.decision_function((x - centre) / scale) for p, x in features.items()}
        found = float(within(scores["choose"], places["choose"]).mean())
        if found > best:
            best, kept = found, within(scores["test"], places["test"])
    return mean_of(kept)


def letters_around(places: Places) -> NDArray[np.float32]:
    """One-hot letters, ``FLANK`` bases to either side of the word's first two letters."""
    around = np.arange(-FLANK, FLANK + 2)
    codes = places.ids[places.window[:, None], places.start[:, None] + around] - tokenizer.A
    return np.eye(4, dtype=np.float32)[codes].reshape(len(codes), -1)


def spread(found: list[Estimate]) -> str:
    values = [f.value for f in found]
    return f"{np.mean(values):.4f} (seeds {min(values):.4f} to {max(values):.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", action="append", required=True)
    parser.add_argument("--sites-dir", type=Path, required=True)
    parser.add_argument("--settings", default="evaluate-hg19", help="its [split] is used")
    parser.add_argument("--model", default="nucel-mini")
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of randomly initialised encoders"
    )
    parser.add_argument("--windows", type=int, default=300, help="at most, in each part")
    args = parser.parse_args()
    split = read_evaluation(args.settings).split
    assert split is not None, "the settings have no [split]"
    genome = Genome.open(args.fasta)
    model = from_pretrained(args.model)
    models = [model, *(random_control(model, seed) for seed in range(args.seeds))]
    n_heads = model.config.num_attention_heads
    for name, word, offset in (("splice_donors", "GT", 0), ("splice_acceptors", "AG", -1)):
        places = {}
        for part in PARTS:
            cut_out = cut(
                genome, args.sites_dir / f"{name}.bed", split, part, args.windows, stranded=True
            )
            places[part] = words(*cut_out, word, offset)
        sizes = {p: (int(x.real.sum()), int((~x.real).sum())) for p, x in places.items()}
        print(f"\n{name} against the other {word} of the window; (real, other) {sizes}")
        heads, lines = [], []
        for network in models:
            received, hidden = read_model(network, places["test"].ids)
            heads.append(attention(received, places["test"]))
            states = {p: hidden_states(network, places[p].ids) for p in ("train", "choose")}
            states["test"] = hidden
            features = {p: states[p][x.window, x.start] for p, x in places.items()}
            lines.append(line(features, places))
        report(model.name, heads, lines, n_heads)
        one_hot = line({p: letters_around(x) for p, x in places.items()}, places)
        print(f"  {'one-hot letters, +-10 bases':<40} {one_hot}", flush=True)
    ids, _ = cut(
        genome, args.sites_dir / "ctcf_bound.bed", split, "test", args.windows, stranded=False
    )
    bound = motif_places(ids, read_matrix("MA0139.2"))
    print(f"\nbest CTCF match against other places, {int(bound.real.sum())} windows")
    report(
        model.name,
        [attention(read_model(network, ids)[0], bound) for network in models],
        [],
        n_heads,
    )


def report(name: str, heads: list[tuple[int, Estimate]], lines: list[Estimate], n: int) -> None:
    """The model's rows and those of the randomly initialised encoders."""
    layer, head = divmod(heads[0][0], n)
    print(f"  {name + f', attention, layer {layer} head {head}':<40} {heads[0][1]}")
    print(f"  {'random weights, attention, best of each':<40} {spread([h for _, h in heads[1:]])}")
    for _, found in heads[1:]:
        print(f"  {'':<40} {found}")
    if lines:
        print(f"  {name + ', probe of the hidden state':<40} {lines[0]}")
        print(
            f"  {'random weights, probe of the hidden state':<40} {spread(lines[1:])}", flush=True
        )


if __name__ == "__main__":
    main()
