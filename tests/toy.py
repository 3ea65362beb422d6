"""Small things that many tests need: random DNA, planted sites, and networks of random weights.

Everything is the same each time it is made from the same arguments.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from nucel_interp.types import BASES, Motif, Record, reverse_complement
from nucel_model import (
    ClassificationHead,
    NTConfig,
    Nucel,
    NucelConfig,
    NucelEncoder,
    NucleotideTransformer,
    every_third_global,
    tokenizer,
)
from nucel_model.heads import ReplacedTokenHead

# sequences


def dna(
    length: int, seed: int | random.Random | np.random.Generator = 0, letters: str = BASES
) -> str:
    """Random letters, all alike.

    Args:
        length: Number of letters.
        seed: A seed, or a generator to draw from: a second call with it gives other letters.
        letters: What is drawn from; a letter may stand there twice.
    """
    if isinstance(seed, np.random.Generator):
        return "".join(seed.choice(list(letters), length))
    rng = random.Random(seed) if isinstance(seed, int) else seed
    return "".join(rng.choices(letters, k=length))


def random_sequences(n: int, length: int, seed: int = 0) -> list[str]:
    """``n`` random sequences of one length."""
    rng = random.Random(seed)
    return [dna(length, rng) for _ in range(n)]


def fasta_of(path: Path, sequences: Mapping[str, str]) -> Path:
    """Sequences written as FASTA; gives the path."""
    path.write_text("".join(f">{name}\n{text}\n" for name, text in sequences.items()))
    return path


def plant(sequence: str, word: str, at: int) -> str:
    """The sequence with a word in place of its bases from ``at`` on."""
    assert 0 <= at <= len(sequence) - len(word)
    return sequence[:at] + word + sequence[at + len(word) :]


def site_of(motif: Motif, rng: np.random.Generator) -> str:
    """A site drawn from the columns of a motif, on the motif's own strand."""
    return "".join(BASES[rng.choice(4, p=column / column.sum())] for column in motif.pwm.T)


def planted(
    name: str = "CTCF",
    n: int = 100,
    length: int = 120,
    seed: int = 0,
    strand: Literal["both", "forward"] = "both",
) -> tuple[list[Record], list[np.ndarray]]:
    """A motif of JASPAR at a random place of every random sequence, and a track that is high there.

    Args:
        name: The motif's name in JASPAR.
        n: Number of sequences.
        length: Of each, in bases.
        seed: Of the sequences, sites and tracks.
        strand: ``both``: every second site, the first included, is on the reverse strand.

    Returns:
        Records ``r0``, ``r1`` ...; per record a track (bases,): normal noise, 4 higher on the site.
    """
    from nucel_interp.match import load_jaspar  # slow to import, and seldom needed

    motif = next(m for m in load_jaspar().motifs if m.name == name)
    rng, letters = np.random.default_rng(seed), random.Random(seed)
    records, tracks = [], []
    for i in range(n):
        text, word = dna(length, letters), site_of(motif, rng)
        if strand == "both" and i % 2 == 0:
            word = reverse_complement(word)
        at = int(rng.integers(0, length - len(word)))
        records.append(Record(f"r{i}", plant(text, word, at)))
        track = rng.normal(size=length)
        track[at : at + len(word)] += 4
        tracks.append(track)
    return records, tracks


# networks


def shape(
    layers: int = 2, width: int = 16, context: int = 64, reach: int = 8, **others: Any
) -> NucelConfig:
    """The shape of a small NucEL: two heads, the first and every third layer global.

    Args:
        layers: Number of layers.
        width: Of the hidden state and of the feed-forward part.
        context: Bases that fit into a window.
        reach: Width of a local layer's window, in tokens, both sides together.
        others: Further fields of the configuration, or other values for those set here.
    """
    fields: dict[str, Any] = {
        "hidden_size": width,
        "num_attention_heads": 2,
        "intermediate_size": width,
        "layer_types": every_third_global(layers),
        "local_attention": reach,
        "max_position_embeddings": context + 1,
    }
    return NucelConfig(**(fields | others))


def nucel(
    config: NucelConfig,
    *,
    head: bool = True,
    seed: int = 0,
    sharper: float = 1,
    start: Literal["training", "torch"] = "training",
    name: str = "tiny",
) -> Nucel:
    """A NucEL of random weights. Sets the seed of torch's own generator.

    Args:
        config: Its shape; see `shape`.
        head: With a discriminator head.
        seed: Of all weights.
        sharper: Factor of the embeddings and of what makes queries, keys and values: weights as
            training begins with leave attention nearly uniform, with 8 it is far from that.
        start: Weights as training begins with, or as torch makes them, which are larger.
        name: What the model is called.
    """
    torch.manual_seed(seed)
    encoder = NucelEncoder(config)
    if start == "training":
        encoder.init_weights(seed)
    _sharpen(encoder, sharper, ("Wqkv", "embeddings"))
    return Nucel(encoder, ReplacedTokenHead(config) if head else None, name=name).eval()


def tiny(context: int = 64, head: bool = True) -> Nucel:
    """A NucEL of two layers in which what stands at one base tells at another."""
    model = nucel(shape(context=context), head=head)
    _sharpen(model.encoder, 4, ("",))
    if model.discriminator_head is not None:
        with torch.no_grad():
            model.discriminator_head.discriminator_predictions.weight.normal_()
    return model


def tuned(
    labels: Sequence[str] = ("no", "yes"),
    *,
    context: int = 64,
    head: bool = False,
    seed: int = 0,
    pooling: Literal["mean", "cls"] = "mean",
    **others: Any,
) -> Nucel:
    """`tiny` as if fine-tuned: with a head of random weights over sequences.

    Args:
        labels: Names of the classes, labels or values.
        context: Bases that fit into a window.
        head: With a discriminator head too.
        seed: Of the weights of the head over sequences; they are large enough to matter.
        pooling: What that head reads, the mean of all bases or the [CLS] token.
        others: Further arguments of `nucel_model.ClassificationHead`.
    """
    model = tiny(context, head)
    model.classifier_head = ClassificationHead(
        model.config.hidden_size, labels, pooling=pooling, **others
    )
    model.classifier_head.init_weights(seed, std=1.0)
    return model.eval()


def nt(
    version: Literal["v1", "v2"] = "v2",
    *,
    width: int = 32,
    context: int = 120,
    sharper: float = 8,
    name: str = "tiny-nt",
) -> Nucel:
    """A Nucleotide Transformer of two layers and random weights, its attention far from uniform.

    Args:
        version: Of the layout.
        width: Of the hidden state and of the feed-forward part.
        context: Bases that fit into a window; six make a token.
        sharper: Factor of the embeddings and of what makes queries and keys.
        name: What the model is called.
    """
    config = NTConfig(
        version=version,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=width,
        max_position_embeddings=context // 6 + 3,
    )
    encoder = NucleotideTransformer(config)
    encoder.init_weights(0)
    _sharpen(encoder, sharper, ("query", "key", "word"))
    return Nucel(encoder, name=name).eval()


def _sharpen(encoder: torch.nn.Module, times: float, parts: tuple[str, ...]) -> None:
    with torch.no_grad():
        for name, weights in encoder.named_parameters():
            if any(part in name for part in parts):
                weights.mul_(times)


def logits(model: Nucel, sequence: str) -> np.ndarray:
    """The discriminator's log-odds (bases,) of one sequence, on its strand."""
    ids, mask = tokenizer.batch([tokenizer.encode(sequence)])
    with torch.inference_mode():
        return model.replaced_logit(model(ids, mask).last_hidden_state)[0].numpy()
