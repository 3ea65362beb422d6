"""What windows change of a long sequence's tracks, and whether their seams show.

    python -m benchmarks.attention_seams chr20.fa.gz
    python -m benchmarks.attention_seams chr20.fa.gz --place chr20:41,000,000 --question 1

Three questions, each with its table.

1. All layers local (random weights): how far from a window's edge is the track of the whole
   sequence reached? The top layer's number at a base rests on queries 64 bases away, on their keys
   64 farther, and on 64 more for every layer below: (layers + 1) x 64 in all. Forward strand.
   What is left there is the rounding of rotary angles in fp32, since a base has another position in
   a window; the larger the weights, the more of it is seen, so two sizes are shown.
2. `nucel-mini`'s weights, global layers among them, given a longer context: real sequence of one
   context read in windows against the same in one piece, layer by layer, both strands. `received`
   is a ratio to what uniform attention gives *in the window*, and a global layer's softmax runs
   over the window: the two differ by definition, and what is shown is by how much. The model was
   trained on windows of 256 tokens, so the longer readings are none that it was made for.
3. `nucel-mini` as it is: is the step at a seam (the absolute difference of two neighbouring bases,
   one the last kept of a window, the other the first of the next) larger than at as many random
   places? A head's steps are in units of its usual one, so that no head drowns the others; a
   one-sided permutation of seams and other places.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from nucel_genome import Genome
from nucel_interp.scoring import score_sequences
from nucel_interp.scoring.tiling import cut_pieces
from nucel_interp.types import canonical
from nucel_model import Nucel, NucelConfig, NucelEncoder, from_pretrained, tokenizer
from nucel_model.heads import ReplacedTokenHead

REACH = 64
CONTEXT = 2048
"""Read in one piece, the paper's; windows are shorter."""
WINDOWS = (256, 512, 1024)
SEAMS = 1000
PERMUTATIONS = 999
SEED = 0

Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--place", default="chr20:41,000,000", help="where the sequence begins")
    parser.add_argument("--sequences", type=int, default=8, help=f"of {CONTEXT:,} bp, question 2")
    parser.add_argument("--question", type=int, choices=(1, 2, 3), help="one alone")
    given = parser.parse_args()
    chromosome, _, start = given.place.partition(":")
    genome, at = Genome.open([given.fasta]), int(start.replace(",", ""))

    def read(start: int, length: int) -> str:
        # of the strand whose windows are laid out from its own first base
        return canonical(
            tokenizer.decode(genome.fetch(chromosome, at + start, at + start + length))
        )

    questions = {
        1: lambda: local_rows(read(0, CONTEXT)),
        2: lambda: whole_rows([read(i * CONTEXT, CONTEXT) for i in range(given.sequences)]),
        3: lambda: seam_rows(read(0, (SEAMS + 5) * 128)),
    }
    for number in questions if given.question is None else [given.question]:
        for line in questions[number]():
            print(line, flush=True)
        print()


def local_rows(text: str) -> Iterator[str]:
    """Question 1."""
    yield f"1. All layers local, {len(text):,} bp in windows and in one piece: largest difference\n"
    yield "| layers | window | random weights | (layers + 1) x 64 of an edge or farther | nearer |"
    yield "|---" * 5 + "|"
    for layers, window in ((1, 512), (2, 512), (3, 1024)):
        for sharper in (2, 8):
            far, near = local_difference(local_model(layers, sharper, len(text)), window, text)
            yield f"| {layers} | {window:,} | x {sharper} | {far:.1e} | {near:.1e} |"


def with_context(model: Nucel, context: int) -> Nucel:
    """The same weights, reading longer or shorter windows."""
    shape = dataclasses.replace(model.config, max_position_embeddings=context + 1)
    other = Nucel(NucelEncoder(shape), model.discriminator_head)
    other.encoder.load_state_dict(model.encoder.state_dict())
    return other.eval()


def local_model(layers: int, sharper: float, context: int) -> Nucel:
    """Local layers alone, and random weights made larger, since attention is near uniform else."""
    shape = NucelConfig(
        hidden_size=32,
        num_attention_heads=2,
        intermediate_size=48,
        layer_types=("sliding_attention",) * layers,
        local_attention=2 * REACH,
        max_position_embeddings=context + 1,
    )
    torch.manual_seed(SEED)
    model = Nucel(NucelEncoder(shape), ReplacedTokenHead(shape))
    model.encoder.init_weights(SEED)
    with torch.no_grad():
        for name, p in model.encoder.named_parameters():
            if "Wqkv" in name or "embeddings" in name:
                p.mul_(sharper)
    return model.eval()


@torch.inference_mode()
def received(model: Nucel, text: str) -> Floats:
    """(heads, bases) of one window, of the forward strand, not rounded."""
    found = model.profile_sequences([text], "density").received[0].flatten(0, 1)
    return found.double().numpy()


def local_difference(model: Nucel, window: int, text: str) -> tuple[float, float]:
    """Windows against one piece: largest difference far from every window's edge, and nearer to it.

    Of all bases of all windows, kept or not; the sequence's own ends are no edges. Relative to
    max(1, value).
    """
    layers = model.config.num_hidden_layers
    direct = received(model, text)
    worst = {True: 0.0, False: 0.0}
    for piece in cut_pieces(np.array([len(text)]), window, [False]):
        found = received(model, text[piece.start : piece.end])
        truth = direct[:, piece.start : piece.end]
        off = (np.abs(found - truth) / np.maximum(1, truth)).max(axis=0)
        place = np.arange(piece.start, piece.end)
        left = place - piece.start if piece.start else np.full(len(place), len(text))
        right = piece.end - 1 - place if piece.end < len(text) else np.full(len(place), len(text))
        far = np.minimum(left, right) >= (layers + 1) * REACH
        for where in (True, False):
            worst[where] = max(worst[where], float(off[far == where].max(initial=0)))
    return worst[True], worst[False]


def whole_rows(texts: list[str]) -> Iterator[str]:
    """Question 2."""
    mini = from_pretrained("nucel-mini")
    yield (
        f"2. nucel-mini's weights, {len(texts)} sequences of {CONTEXT:,} bp in windows against one "
        "piece\n"
    )
    yield (
        "| window | layer | kind | Spearman, lowest of its heads | median | largest difference "
        "| median value |"
    )
    yield "|---" * 7 + "|"
    direct = tracks(with_context(mini, CONTEXT), texts)
    for window in WINDOWS:
        stitched = tracks(with_context(mini, window), texts)
        for layer, (a, b) in enumerate(zip(direct, stitched, strict=True)):
            rho = [float(spearmanr(x, y).statistic) for x, y in zip(a, b, strict=True)]
            off = np.abs(a - b).max()
            yield (
                f"| {window:,} | {layer} | {kind(mini, layer)} | {min(rho):.3f} "
                f"| {np.median(rho):.3f} | {off:.2f} | {np.median(a):.2f} |"
            )


def tracks(model: Nucel, texts: list[str]) -> Floats:
    """(layers, heads, bases), bases that have a value, laid end to end."""
    found = score_sequences(model, texts).received.astype(np.float64)
    known = found[:, ~np.isnan(found[0])]
    return known.reshape(model.config.num_hidden_layers, -1, known.shape[1])


def seams(length: int, context: int) -> NDArray[np.int64]:
    """First kept base of every window but the first; of the canonical strand."""
    pieces = cut_pieces(np.array([length]), context, [False])
    return np.array([p.keep_start for p in pieces[1:]], dtype=np.int64)


def seam_rows(text: str) -> Iterator[str]:
    """Question 3."""
    rng = np.random.default_rng(SEED)
    mini = from_pretrained("nucel-mini")
    scores = score_sequences(mini, [text])
    assert scores.replaced is not None
    received = scores.received.astype(np.float64)
    borders = seams(len(text), mini.config.context_bp) - 1  # step i: between bases i and i + 1
    steps = np.abs(np.diff(received, axis=1))
    scored = np.flatnonzero(~np.isnan(steps[0]))
    at_seam = rng.choice(np.intersect1d(borders, scored), SEAMS, replace=False)
    elsewhere = rng.choice(np.setdiff1d(scored, borders), SEAMS, replace=False)
    per_layer = len(received) // mini.config.num_hidden_layers
    tracks = {
        f"layer {i}, {kind(mini, i)}": steps[i * per_layer : (i + 1) * per_layer]
        for i in range(mini.config.num_hidden_layers)
    }
    tracks["all heads"] = steps
    tracks["attention (mean over heads)"] = np.abs(np.diff(received.mean(axis=0)))[None]
    tracks["replaced_logit"] = np.abs(np.diff(scores.replaced.astype(np.float64)))[None]
    yield f"3. nucel-mini, windows of {mini.config.context_bp} bp, {SEAMS:,} seams\n"
    yield "| track | step at seams | at random places | ratio | p that seams are larger |"
    yield "|---" * 5 + "|"
    for name, of in tracks.items():
        usual = of[:, scored].mean(axis=1)
        here, there = ((of[:, place].T / usual).mean(axis=1) for place in (at_seam, elsewhere))
        a, b = here.mean(), there.mean()
        yield f"| {name} | {a:.3f} | {b:.3f} | {a / b:.3f} | {permutation_p(here, there):.3f} |"


def permutation_p(seam: Floats, other: Floats) -> float:
    """How often a random split has a mean difference as large as seams over other places."""
    rng = np.random.default_rng(SEED)
    both, n = np.concatenate([seam, other]), len(seam)
    observed = seam.mean() - other.mean()
    larger = 0
    for _ in range(PERMUTATIONS):
        mixed = rng.permutation(both)
        larger += mixed[:n].mean() - mixed[n:].mean() >= observed
    return (larger + 1) / (PERMUTATIONS + 1)


def kind(model: Nucel, layer: int) -> str:
    """Whether a layer sees the whole window."""
    return "global" if model.config.window(layer) is None else "local"


if __name__ == "__main__":
    main()
