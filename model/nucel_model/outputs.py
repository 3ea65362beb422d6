"""What the networks return, with shapes and units."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class EncoderOutput:
    """Result of a forward pass.

    Attributes:
        last_hidden_state: (batch, tokens, hidden), after the final norm.
        hidden_states: Embedding output, then each block's output, (batch, tokens, hidden) each. In
            the last place, as in transformers' models, stands ``last_hidden_state``, the last
            block's after the final norm. Only if asked for.
        attentions: Per layer (batch, heads, queries, keys), rows sum to 1; only if asked for.
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass(frozen=True)
class Profile:
    """Attention reduced per base, for every layer and head, without ever holding a full map.

    All are fp32. Base i is token i + 1; padding and N are NaN.

    Attributes:
        received: (batch, layers, heads, bases). Attention base j receives from base queries over
            what uniform attention in the same mask would give it: 1.0 = no preference.
        entropy: (batch, layers, heads, bases), bits: entropy of base query i's whole row.
        cls_share: (batch, layers, heads), 0..1: mean mass base queries put on [CLS]; 0 where a
            sequence has no base.
        n_share: (batch, layers, heads), 0..1: mean mass base queries put on N; 0 likewise.
        last_hidden_state: (batch, tokens, hidden) of the same pass.
    """

    received: Tensor
    entropy: Tensor
    cls_share: Tensor
    n_share: Tensor
    last_hidden_state: Tensor
