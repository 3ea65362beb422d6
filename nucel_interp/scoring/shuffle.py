"""Shuffled copies that keep every k-mer count: the null against which everything is measured.

A sequence is a walk over its (k-1)-mers; a uniformly random walk over the same edges keeps all
k-mer counts, and the first and last (k-1)-mer (Altschul and Erickson 1985; the spanning tree is
drawn by Wilson's loop-erased walks, 1996). N stays where it is: each stretch between is shuffled
by itself.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Hashable
from itertools import pairwise

from nucel_interp.types import canonical, reverse_complement
from nucel_model.sequences import as_sequence

_STRETCH = re.compile("[ACGT]+|[^ACGT]+")


def draw(seed: int, sequence: str, *purpose: Hashable) -> random.Random:
    """A random generator keyed by seed, strand-collapsed sequence and purpose.

    Keyed by content and never by position, so neither the order of a file nor the strand its
    records are given on changes a result.
    """
    key = repr((seed, canonical(sequence), *purpose)).encode()
    return random.Random(int.from_bytes(hashlib.blake2b(key, digest_size=16).digest(), "big"))


def shuffled(sequence: str, *, k: int = 2, seed: int = 0, copy: int = 0) -> str:
    """Copy number ``copy`` of a sequence, with the same count of every k-mer.

    A sequence and its reverse complement give copies that are each other's reverse complement.

    Args:
        sequence: DNA string, in upper or lower case, of which the copy is in upper case; letters
            other than A, C, G, T keep their places.
        k: Length of the k-mers whose counts are kept, 2 or more: 2 keeps dinucleotides, 3
            trinucleotides.
        seed: Seed of the shuffle; with ``copy`` and the sequence it decides the result.
        copy: Number of the copy, from 0; another number gives another copy.
    """
    sequence = as_sequence(sequence)
    forward = canonical(sequence)
    rng = draw(seed, sequence, "shuffle", k, copy)
    parts = [
        _eulerian(part, k, rng) if part[0] in "ACGT" else part for part in _STRETCH.findall(forward)
    ]
    result = "".join(parts)
    return result if forward == sequence else reverse_complement(result)


def _eulerian(sequence: str, k: int, rng: random.Random) -> str:
    if len(sequence) <= k:
        return sequence
    width = k - 1
    nodes = [sequence[i : i + width] for i in range(len(sequence) - width + 1)]
    edges: dict[str, list[str]] = {node: [] for node in nodes}
    for here, there in pairwise(nodes):
        edges[here].append(there)
    last = nodes[-1]
    exits = _last_exits(edges, last, rng)
    for node, successors in edges.items():
        if node == last:
            rng.shuffle(successors)
            continue
        if node in exits:
            successors.remove(exits[node])
            rng.shuffle(successors)
            successors.append(exits[node])
    # walk each node's exits in order; popping from the end is cheap, so reverse once
    for successors in edges.values():
        successors.reverse()
    node, out = nodes[0], [nodes[0]]
    for _ in range(len(nodes) - 1):
        node = edges[node].pop()
        out.append(node[-1])
    return "".join(out)


def _last_exits(edges: dict[str, list[str]], root: str, rng: random.Random) -> dict[str, str]:
    """A random spanning tree towards ``root``: the exit that each node must keep for last."""
    exits: dict[str, str] = {}
    done = {root}
    for start in edges:
        node = start
        while node not in done:
            successors = edges[node]
            exits[node] = successors[int(rng.random() * len(successors))]
            node = exits[node]
        node = start
        while node not in done:
            done.add(node)
            node = exits[node]
    return exits
