"""How far each layer looks: the attention of base queries by the distance to the base they look at.

Local windows, rotary positions and the ends of a sequence give a shape to any model, trained or
not, so beside it stands what uniform attention through the same mask would give; their ratio is
what the layer prefers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.scoring.shuffle import draw
from nucel_interp.types import BASES, canonical
from nucel_model.backends import Mask
from nucel_model.sequences import as_sequences

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

MAX_SEQUENCES = 32
MAX_BP = 996
"""Every map of a piece is held at once: 1.4 GB for 22 layers of 16 heads on single bases."""
EDGES_BP = (0, *(2**i for i in range(20)))
"""Where bins begin: 0 (a token and itself), then 1, 2, 4, 8, ... bp."""


@dataclass(frozen=True, eq=False)
class DistanceProfile:
    """Attention by distance, layer by layer.

    Attributes:
        table: Columns layer, distance_bp (where the bin starts; it ends where the next of
            `EDGES_BP` does), mass (share of what base queries give to base keys that goes this
            far, mean over heads and queries) and uniform (the same of uniform attention). Both add
            up to 1 over a layer. Bins into which no pair of tokens falls are left out.
        mean: Layer -> mean distance of what base queries give to base keys, bp.
        n_sequences: Number of pieces of sequence that were read.
    """

    table: pd.DataFrame
    mean: dict[int, float]
    n_sequences: int


def distance_profile(model: Nucel, sequences: Sequence[str], seed: int = 0) -> DistanceProfile:
    """Where attention goes, by |i - j| in bp between the centres of tokens.

    Whole maps of a sample are taken apart: at most `MAX_SEQUENCES` distinct sequences, of each a
    piece of at most `MAX_BP` bases without N, cut to whole tokens, on its canonical strand. Heads,
    queries and sequences are pooled, so longer pieces count for more; [CLS] is neither a query nor
    a key, but is one of the keys over which uniform attention is spread.

    Args:
        model: Model of single bases or of longer tokens.
        sequences: DNA strings, in upper or lower case.
        seed: Seed of which sequences are taken, and where; drawn by content, not by place in the
            list.
    """
    import pandas as pd

    config = model.config
    n_layers = config.num_hidden_layers
    longest = min(MAX_BP, config.context_bp)
    pieces = sample_pieces(sequences, longest, config.token_bp, seed)
    n_steps = longest // config.token_bp
    mass, uniform = np.zeros((n_layers, n_steps)), np.zeros((n_layers, n_steps))
    device = next(model.parameters()).device
    for piece in pieces:
        n = len(piece) // config.token_bp
        input_ids, _ = model.tokens([piece])
        with torch.inference_mode():
            maps = model(input_ids.to(device), output_attentions=True).attentions
        assert maps is not None
        for layer, probs in enumerate(maps):
            mass[layer, :n] += _by_offset(probs[0, :, 1:, 1:].double().mean(dim=0).cpu().numpy())
            uniform[layer, :n] += _by_offset(uniform_map(n, config.window(layer))[1:, 1:])
    distance = np.arange(n_steps) * config.token_bp
    bins = np.searchsorted(EDGES_BP, distance, side="right") - 1
    rows, mean = [], {}
    for layer in range(n_layers):
        given, even = mass[layer].sum(), uniform[layer].sum()
        if not even:
            continue
        mean[layer] = float(mass[layer] @ distance / given) if given else float("nan")
        for number in np.unique(bins[uniform[layer] > 0]):
            inside = bins == number
            rows.append(
                {
                    "layer": layer,
                    "distance_bp": EDGES_BP[number],
                    "mass": mass[layer, inside].sum() / given if given else np.nan,
                    "uniform": uniform[layer, inside].sum() / even,
                }
            )
    columns = ["layer", "distance_bp", "mass", "uniform"]
    return DistanceProfile(pd.DataFrame(rows, columns=columns), mean, len(pieces))


def sample_pieces(sequences: Sequence[str], longest: int, token_bp: int, seed: int) -> list[str]:
    """The pieces to look at, the same whatever the order or strand of the sequences.

    Args:
        sequences: DNA strings, in upper or lower case.
        longest: Largest length of a piece, in bases.
        token_bp: Bases of a token. Pieces are cut to a multiple of it; sequences without so long a
            stretch of bases are passed over.
        seed: Seed of which sequences are taken, and where.
    """
    sequences = as_sequences(sequences)
    drawn = []
    for sequence in {canonical(s) for s in sequences}:
        stretch = max("".join(c if c in BASES else " " for c in sequence).split(" "), key=len)
        length = min(longest, len(stretch)) // token_bp * token_bp
        if length < token_bp:
            continue
        rng = draw(seed, sequence, "distance")
        rank = rng.random()
        start = rng.randrange(len(stretch) - length + 1)
        drawn.append((rank, stretch[start : start + length]))
    return [piece for _, piece in sorted(drawn)[:MAX_SEQUENCES]]


def uniform_map(n: int, window: int | None) -> NDArray[np.float64]:
    """(n + 1, n + 1) uniform attention among [CLS] and ``n`` tokens, through a layer's mask."""
    every = slice(0, n + 1)
    allowed = Mask(None, window).allowed(every, every, torch.device("cpu"))
    seen = np.ones((n + 1, n + 1)) if allowed is None else allowed[0, 0].double().numpy()
    return np.asarray(seen / seen.sum(axis=1, keepdims=True))


def _by_offset(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) sum of the cells with |i - j| = 0, 1, ..., n - 1."""
    n = len(square)
    at = np.arange(n)
    summed = np.bincount(np.abs(at[:, None] - at).ravel(), square.ravel(), minlength=n)
    return summed.astype(np.float64)
