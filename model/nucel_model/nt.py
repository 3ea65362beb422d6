"""The Nucleotide Transformer v1 and v2, top to bottom (Nat Methods 2025, 22:287).

How it differs from NucEL's encoder:

- a token is six bases (`nt_tokenizer`); every layer attends everywhere
- biases in attention and norms; queries, keys and values in layers of their own
- v1: a table of learned positions, counted from 2; GELU; embeddings rescaled by how much is masked
- v2: rotary positions (the position table is there and unused); SwiGLU without biases
- parameter names are those of the published files, so that their folders load without a key map;
  the contact head is loaded and never used

It stands where `NucelEncoder` stands: the same calls, the same attention seam, the same reductions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucel_model import nt_tokenizer
from nucel_model.backends import Backend, Mask, attend, eager
from nucel_model.nt_bases import Rule, by_mass, expected_bases
from nucel_model.nt_config import NTConfig
from nucel_model.nt_tokenizer import MASK, PAD
from nucel_model.outputs import EncoderOutput, Profile
from nucel_model.profile import Profiler, Roles
from nucel_model.rope import rotate
from nucel_model.sequences import as_sequence, as_sequences

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
ROPE_THETA = 10_000.0
MASKED_IN_TRAINING = 0.15 * 0.8
"""Share of tokens that read [MASK] while v1 was trained, for its rescaled embeddings."""
_ROWS = 16  # sequences masked at once in `base_probabilities`


class Embeddings(nn.Module):
    """Token table and position table."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.version = config.version
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=PAD)
        self.position_embeddings = nn.Embedding(
            config.max_position_embeddings, config.hidden_size, padding_idx=PAD
        )

    def forward(self, input_ids: Tensor, real: Tensor) -> Tensor:
        """(batch, tokens) ids, and which are no padding, to (batch, tokens, hidden)."""
        x = self.word_embeddings(input_ids)
        if self.version == "v1":
            masked = input_ids == MASK
            observed = masked.sum(dim=1) / real.sum(dim=1)
            x = x.masked_fill(masked[..., None], 0.0)
            x = x * ((1 - MASKED_IN_TRAINING) / (1 - observed))[:, None, None].to(x.dtype)
            x = x + self.position_embeddings(real.long().cumsum(dim=1) * real + PAD)
        return x * real[..., None]


class Rotary(nn.Module):
    """Rotary frequencies, kept in the published files."""

    inv_freq: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        steps = torch.arange(0, dim, 2, dtype=torch.float32, device="cpu") / dim
        # torch takes seconds to learn how to do this on a device without memory
        inverse = (1.0 / ROPE_THETA**steps).to(torch.get_default_device())
        self.register_buffer("inv_freq", inverse)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (..., tokens, dim) by its position, [CLS] = 0."""
        at = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)
        angle = at[:, None] * self.inv_freq.float()
        cos, sin = angle.cos(), angle.sin()
        return rotate(x, torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1))


class Projections(nn.Module):
    """Queries, keys and values."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.n_heads = config.num_attention_heads
        width = config.hidden_size
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.rotary_embeddings = Rotary(config.head_dim) if config.version == "v2" else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, heads, tokens, dim) each."""
        q, k, v = (
            part(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2).contiguous()
            for part in (self.query, self.key, self.value)
        )
        if self.rotary_embeddings is not None:
            q, k = self.rotary_embeddings(q), self.rotary_embeddings(k)
        return q, k, v


class Dense(nn.Module):
    """A linear layer under the name that the published files give it."""

    def __init__(self, inner: int, outer: int, bias: bool = True) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, outer, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inner) to (..., outer)."""
        return self.dense(x)


class Attention(nn.Module):
    """Norm, projections, and the way back."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.self = Projections(config)
        self.output = Dense(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, *, attend: Attend) -> Tensor:
        """What the block adds to the residual stream."""
        return self.output(attend(*self.self(self.LayerNorm(x))).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.version = config.version
        gated = config.version == "v2"
        inner = config.intermediate_size
        self.attention = Attention(config)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.intermediate = Dense(config.hidden_size, (1 + gated) * inner, bias=not gated)
        self.output = Dense(inner, config.hidden_size, bias=not gated)

    def forward(self, x: Tensor, *, attend: Attend) -> Tensor:
        """The residual stream (batch, tokens, hidden) one block on; ``attend`` is the kernel."""
        x = x + self.attention(x, attend=attend)
        inner = self.intermediate(self.LayerNorm(x))
        if self.version == "v2":
            gate, value = inner.chunk(2, dim=-1)
            return x + self.output(F.silu(gate) * value)
        return x + self.output(F.gelu(inner))


class Layers(nn.Module):
    """All blocks and the norm after them."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.emb_layer_norm_after = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


class ContactHead(nn.Module):
    """Protein models' contact regression: in the files, and of no use for DNA."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.regression = nn.Linear(config.num_hidden_layers * config.num_attention_heads, 1)


class Trunk(nn.Module):
    """Everything but the language-model head."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Layers(config)
        self.contact_head = ContactHead(config)


class LanguageModelHead(nn.Module):
    """Dense, GELU, norm, decoder."""

    def __init__(self, config: NTConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., hidden) to logits (..., vocabulary)."""
        return self.decoder(self.layer_norm(F.gelu(self.dense(hidden)))) + self.bias


class NucleotideTransformer(nn.Module):
    """The network; `from_pretrained` gives it as the encoder of a `Nucel`."""

    def __init__(self, config: NTConfig, *, with_head: bool = True) -> None:
        super().__init__()
        self.config = config
        self.backend: Backend | None = None  # None: what `choose_backend` names
        self.esm = Trunk(config)
        self.lm_head = LanguageModelHead(config) if with_head else None
        self.init_weights()

    @property
    def _blocks(self) -> list[Block]:
        return cast("list[Block]", self.esm.encoder.layer)

    @torch.no_grad()
    def init_weights(self, seed: int | None = None) -> None:
        """Normals of standard deviation ``initializer_range``; biases and padding 0, norms 1."""
        if next(self.parameters()).is_meta:
            return
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                p.zero_()
            elif "norm" in name.rsplit(".", 2)[-2].lower():
                p.fill_(1.0)
            else:
                p.normal_(std=self.config.initializer_range, generator=generator)
        self.esm.embeddings.word_embeddings.weight[PAD] = 0
        self.esm.embeddings.position_embeddings.weight[PAD] = 0

    def tokens(self, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
        """``input_ids`` and ``attention_mask``, (batch, tokens) each, [CLS] in front."""
        return nt_tokenizer.batch(
            [nt_tokenizer.tokenize(s, self.config.version) for s in as_sequences(sequences)]
        )

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """Encode (batch, tokens) ids that begin with [CLS]; arguments as `NucelEncoder.forward`'s.

        Raises:
            ValueError: More tokens than the model has positions for.
        """
        real, mask = self._begin(input_ids, attention_mask)
        x = self.esm.embeddings(input_ids, real)
        states: list[Tensor] = []
        maps: list[Tensor] = []

        def kernel(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            if not output_attentions:
                return attend(self.backend, q, k, v, mask)
            out, probs = eager(q, k, v, mask)
            maps.append(probs)
            return out

        for block in self._blocks:
            if output_hidden_states:
                states.append(x)
            x = block(x, attend=kernel)
        last = self.esm.encoder.emb_layer_norm_after(x)
        return EncoderOutput(
            last_hidden_state=last,
            hidden_states=(*states, last) if output_hidden_states else None,
            attentions=tuple(maps) if output_attentions else None,
        )

    @torch.no_grad()
    def profile(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Profile:
        """Attention reduced per TOKEN, [CLS] left out; numbers as `NucelEncoder.profile`'s.

        Queries are six-base and one-base tokens; N is no query, and its own column apart.
        """
        real, mask = self._begin(input_ids, attention_mask)
        x = self.esm.embeddings(input_ids, real)
        n_id = nt_tokenizer.first_base(self.config.version) + len(nt_tokenizer.LETTERS)
        roles = Roles(
            base=(input_ids >= nt_tokenizer.FIRST_WORD[self.config.version])
            & (input_ids < n_id)
            & real,
            cls=(input_ids == nt_tokenizer.CLS) & real,
            unknown=((input_ids == n_id) | (input_ids == nt_tokenizer.UNK)) & real,
        )
        profiler = Profiler(roles)
        for block in self._blocks:
            x = block(x, attend=partial(profiler.attend, mask=mask))
        return profiler.finish(self.esm.encoder.emb_layer_norm_after(x))

    def profile_sequences(self, sequences: Sequence[str], rule: Rule = "density") -> Profile:
        """`profile` on bases: (batch, layers, heads, bases of the longest), NaN at N and beyond.

        Args:
            sequences: Sequences of any lengths up to the context.
            rule: "density" gives each base of a token the token's fold over uniform attention, so
                uniform attention is 1.0 everywhere. "mass" shares a token's attention out among its
                bases and scales a sequence's known bases to a mean of 1.0: uniform over *bases* is
                1.0, and a one-base token counts six times as much.

        Returns:
            A `Profile`; entropy is a token's at each of its bases, ``last_hidden_state`` stays in
            tokens.
        """
        cut = [nt_tokenizer.tokenize(s, self.config.version) for s in as_sequences(sequences)]
        input_ids, mask = nt_tokenizer.batch(cut)
        device = next(self.parameters()).device
        found = self.profile(input_ids.to(device), mask.to(device))
        longest = max((int(t.widths.sum()) for t in cut), default=0)
        received = found.received.new_full((*found.received.shape[:3], longest), float("nan"))
        entropy = received.clone()
        for i, tokens in enumerate(cut):
            n, length = len(tokens.ids), int(tokens.widths.sum())
            widths = torch.from_numpy(tokens.widths).to(device)
            mine = found.received[i, ..., :n]
            if rule == "mass":
                mine = by_mass(mine, widths)
            received[i, ..., :length] = mine.repeat_interleave(widths, dim=-1)
            entropy[i, ..., :length] = found.entropy[i, ..., :n].repeat_interleave(widths, dim=-1)
        return Profile(
            received=received,
            entropy=entropy,
            cls_share=found.cls_share,
            n_share=found.n_share,
            last_hidden_state=found.last_hidden_state,
        )

    @torch.no_grad()
    def base_probabilities(self, sequence: str) -> Tensor:
        """What the model expects at each base, its token masked: (bases, 4), order A, C, G, T.

        One token is masked at a time. For a six-base token, a base's probabilities are those of the
        four six-mers that agree with the other five bases, scaled to 1; for a one-base token, those
        of the four bases. NaN at N.

        Raises:
            ValueError: The model has no language-model head, or the sequence is too long for it.
        """
        if self.lm_head is None:
            raise ValueError("this model was saved without its language-model head")
        sequence, version = as_sequence(sequence), self.config.version
        tokens = nt_tokenizer.tokenize(sequence, version)
        (ids, _), device = nt_tokenizer.batch([tokens]), next(self.parameters()).device
        out = torch.full((len(sequence), 4), float("nan"))
        known = torch.from_numpy(~tokens.is_n).nonzero()[:, 0]
        for rows in known.split(_ROWS):
            masked = ids.repeat(len(rows), 1)
            masked[torch.arange(len(rows)), 1 + rows] = MASK
            hidden = self(masked.to(device)).last_hidden_state
            logits = self.lm_head(hidden[torch.arange(len(rows)), 1 + rows]).float().cpu()
            for token, row in zip(rows.tolist(), logits, strict=True):
                start = int(tokens.starts[token])
                expected = expected_bases(row, tokens, token, version)
                out[start : start + len(expected)] = expected
        return out

    def _begin(self, input_ids: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Mask]:
        """Which tokens are real, and the mask of every layer."""
        length, most = input_ids.shape[1], self.config.context_tokens
        if length > most:
            raise ValueError(
                f"{length - 1:,} tokens are more than the {most - 1:,} this model has positions "
                f"for ({self.config.longest_bp:,} bp without N): cut the sequence into windows"
            )
        if attention_mask is None:
            return torch.ones_like(input_ids, dtype=torch.bool), Mask(None, None)
        if attention_mask.shape != input_ids.shape:
            raise ValueError(
                f"attention_mask is {tuple(attention_mask.shape)}, "
                f"input_ids {tuple(input_ids.shape)}"
            )
        real = attention_mask != 0
        if bool((real[:, 1:] & ~real[:, :-1]).any()):
            raise ValueError("padding goes on the right")
        return real, Mask(None if bool(real.all()) else real, None)
