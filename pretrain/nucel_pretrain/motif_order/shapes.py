"""Small networks of NucEL's and of the Nucleotide Transformer's shape, from random weights.

They stand for the architectures, not for the published models: same depth, width and heads, a
ten-thousandth of the training, and sequence of a few hundred bases.
"""

from __future__ import annotations

from collections.abc import Callable

from nucel_model import (
    NTConfig,
    Nucel,
    NucelConfig,
    NucelEncoder,
    NucleotideTransformer,
    every_third_global,
)

LAYERS, HIDDEN, HEADS, INTERMEDIATE = 4, 64, 4, 128
CONTEXT_BP = 1_020
SPREAD = 0.06
"""Of the first weights. On a development draw single bases had not left chance after 150 steps with
0.02 and a window of 128, and had after 100 with 0.06 and a window of 32; on their own the two were
not tried."""


def nucel_small(seed: int) -> Nucel:
    """NucEL's shape: single bases, layers 0 and 3 global, the others within 16 bases."""
    encoder = NucelEncoder(
        NucelConfig(
            hidden_size=HIDDEN,
            num_attention_heads=HEADS,
            intermediate_size=INTERMEDIATE,
            layer_types=every_third_global(LAYERS),
            local_attention=32,
            max_position_embeddings=CONTEXT_BP + 1,
            initializer_range=SPREAD,
        )
    )
    encoder.init_weights(seed)
    return Nucel(encoder, name="nucel-small").eval()


def nt_small(seed: int) -> Nucel:
    """The Nucleotide Transformer v2's shape: six-base tokens, every layer global."""
    encoder = NucleotideTransformer(
        NTConfig(
            version="v2",
            num_hidden_layers=LAYERS,
            hidden_size=HIDDEN,
            num_attention_heads=HEADS,
            intermediate_size=INTERMEDIATE,
            max_position_embeddings=CONTEXT_BP // 6 + 3,
            initializer_range=SPREAD,
        ),
        with_head=False,
    )
    encoder.init_weights(seed)
    return Nucel(encoder, name="nt-small").eval()


SHAPES: dict[str, Callable[[int], Nucel]] = {
    "nucel-small": nucel_small,
    "nt-small": nt_small,
}
"""From a seed to a network with random weights, by name."""
