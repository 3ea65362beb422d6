"""The encoder, top to bottom: NucEL's ModernBERT on single bases (arXiv 2508.13191, 2412.13663).

How it differs from a textbook BERT:

- one token is one base; [CLS] stands in front, nothing behind
- rotary positions, no position table; local and global layers have thetas of their own
- layers 0, 3, 6, ... attend everywhere, the others within +-64 tokens (``layer_types`` says which)
- pre-norm residual blocks; the first block's attention has no norm, the embedding's serves
- GeGLU in place of the two-layer MLP
- no biases anywhere, in norms neither
- parameter names are transformers' ModernBERT's, so folders load both ways without a key map

Modules are called as torch's are, each once for a whole sequence wherever somebody has put a hook
(`inference`), so what records, ablates or patches activations works on ``layers.N.attn``,
``layers.N.mlp`` and all that is in them; a module's first argument is its input, the rest goes by
keyword.

The arithmetic of attention itself, from q, k and v to the output, has more than one home, because
it has to be fast. Another kind (ALiBi, grouped queries, a soft cap) is written at

- `backends.eager`, the definition that all others are tested against
- `banded`, `matmul_attention` and `flash`: local layers, training on a CPU, flash-attn
- `profile_blocks` and, on a GPU, `triton_profile`: attention reduced per base
- `rope._SplitHeads` with its gradient and `triton_rope`, if q, k and v are cut or turned otherwise
- `nucel_interp.scoring.cls_row`: the row of [CLS] alone
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucel_model import tokenizer
from nucel_model.backends import Backend, Mask, attend, eager
from nucel_model.config import NucelConfig
from nucel_model.inference import fusible, geglu, in_parts, qkv_heads
from nucel_model.nt_bases import Rule, by_mass
from nucel_model.outputs import EncoderOutput, Profile
from nucel_model.profile import Profiler, Roles
from nucel_model.rope import rotary_table
from nucel_model.sequences import as_sequences

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From q, k and v to the attention's output, (batch, heads, tokens, dim) each."""


class Embeddings(nn.Module):
    """Token table and norm."""

    def __init__(self, config: NucelConfig) -> None:
        super().__init__()
        self.tok_embeddings: nn.Module = nn.Embedding(
            config.vocab_size, config.hidden_size, padding_idx=tokenizer.PAD
        )
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)

    def forward(self, input_ids: Tensor) -> Tensor:
        """(batch, tokens) to (batch, tokens, hidden)."""
        return self.norm(self.tok_embeddings(input_ids))


class Attention(nn.Module):
    """Self-attention; local or global is a value of the mask it is given, not a class."""

    def __init__(self, config: NucelConfig) -> None:
        super().__init__()
        self.n_heads = config.num_attention_heads
        self.Wqkv = nn.Linear(config.hidden_size, 3 * config.hidden_size, bias=False)
        self.Wo = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor, *, table: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """What the block adds to the residual stream (batch, tokens, hidden)."""
        out = attend(*self.heads(x, table))
        return in_parts(out.transpose(1, 2).flatten(2), self.Wo)

    def heads(self, x: Tensor, table: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated q and k, and v: (batch, heads, tokens, dim) each."""
        return qkv_heads(x, self.Wqkv, self.n_heads, table)


class GeGLU(nn.Module):
    """Gated MLP (Shazeer 2020, arXiv 2002.05202): Wo(gelu(input) * gate)."""

    def __init__(self, config: NucelConfig) -> None:
        super().__init__()
        self.Wi = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.Wo = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., hidden) to the same shape."""
        if fusible(x, self.Wi, self.Wo):
            return geglu(x, self.Wi.weight, self.Wo.weight)
        value, gate = self.Wi(x).chunk(2, dim=-1)
        if x.device.type == "cpu":  # two copies cost less than arithmetic on halves of rows
            value, gate = value.contiguous(), gate.contiguous()
        return self.Wo(F.gelu(value) * gate)


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: NucelConfig, layer: int) -> None:
        super().__init__()
        norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.attn_norm = norm if layer else nn.Identity()
        self.attn = Attention(config)
        self.mlp_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.mlp = GeGLU(config)

    def forward(self, x: Tensor, *, table: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """The residual stream (batch, tokens, hidden) one block on.

        Args:
            x: The stream.
            table: Cosines and sines of the layer's rotary positions (`rope.rotary_table`).
            attend: The kernel of its attention.
        """
        x = x + self.attn(self.attn_norm(x), table=table, attend=attend)
        return x + in_parts(x, self.mlp_norm, self.mlp)


class NucelEncoder(nn.Module):
    """Embeddings, blocks, final norm; called like transformers' models."""

    def __init__(self, config: NucelConfig) -> None:
        super().__init__()
        self.config = config
        self.backend: Backend | None = None  # None: what `choose_backend` names
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Block(config, i) for i in range(config.num_hidden_layers))
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.init_weights()

    @property
    def _blocks(self) -> list[Block]:
        return cast("list[Block]", self.layers)  # ModuleList's type does not say what it holds

    @torch.no_grad()
    def init_weights(self, seed: int | None = None) -> None:
        """Truncated normals, cut at ``initializer_cutoff_factor`` standard deviations.

        =====================================  ===================================
        parameter                              standard deviation
        =====================================  ===================================
        tok_embeddings, Wqkv, Wi               initializer_range
        attn.Wo, mlp.Wo                        initializer_range / sqrt(2 * layers)
        norms                                  all ones
        =====================================  ===================================
        """
        if next(self.parameters()).is_meta:
            return
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        std, cut = self.config.initializer_range, self.config.initializer_cutoff_factor
        for name, p in self.named_parameters():
            if name.endswith("norm.weight"):
                p.fill_(1.0)
                continue
            s = (
                std / (2 * self.config.num_hidden_layers) ** 0.5
                if name.endswith("Wo.weight")
                else std
            )
            nn.init.trunc_normal_(p, std=s, a=-cut * s, b=cut * s, generator=generator)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """Encode (batch, tokens) ids that begin with [CLS].

        Args:
            input_ids: (batch, tokens) int64.
            attention_mask: (batch, tokens), nonzero = real, 0 = padding on the right.
            output_hidden_states: Return the input of each block and the final norm's output too;
                default False.
            output_attentions: Return every attention map too: layers x heads x tokens^2 numbers per
                sequence; default False. Meant for short input; `profile` gives the reductions at
                any length.
        """
        x, masks, tables = self._begin(input_ids, attention_mask)
        states: list[Tensor] = []
        maps: list[Tensor] = []
        for block, mask, table in zip(self._blocks, masks, tables, strict=True):

            def kernel(q: Tensor, k: Tensor, v: Tensor, mask: Mask = mask) -> Tensor:
                if not output_attentions:
                    return attend(self.backend, q, k, v, mask)
                out, probs = eager(q, k, v, mask)
                maps.append(probs)
                return out

            if output_hidden_states:
                states.append(x)
            x = block(x, table=table, attend=kernel)
        last = self.final_norm(x)
        return EncoderOutput(
            last_hidden_state=last,
            hidden_states=(*states, last) if output_hidden_states else None,
            attentions=tuple(maps) if output_attentions else None,
        )

    @torch.no_grad()
    def profile(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Profile:
        """A forward pass that reduces attention as it goes; arguments as in `forward`.

        Hooks on the layers and on all that is in them are called as in `forward`, and what they
        change is what is reduced; hooks on the encoder itself are not, this being another call.
        """
        x, masks, tables = self._begin(input_ids, attention_mask)
        real = (
            masks[0].real
            if masks[0].real is not None
            else torch.ones_like(input_ids, dtype=torch.bool)
        )
        roles = Roles(
            base=tokenizer.is_base(input_ids) & real,
            cls=(input_ids == tokenizer.CLS) & real,
            unknown=(input_ids == tokenizer.UNK) & real,
        )
        profiler = Profiler(roles)
        for block, mask, table in zip(self._blocks, masks, tables, strict=True):
            x = block(x, table=table, attend=partial(profiler.attend, mask=mask))
        return profiler.finish(self.final_norm(x))

    def tokens(self, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
        """``input_ids`` and ``attention_mask``, (batch, tokens) each, [CLS] in front."""
        return tokenizer.batch([tokenizer.encode(s) for s in as_sequences(sequences)])

    def profile_sequences(self, sequences: Sequence[str], rule: Rule = "density") -> Profile:
        """`profile` of sequences; "mass" scales a sequence's known bases to a mean of 1.0."""
        input_ids, mask = self.tokens(sequences)
        device = next(self.parameters()).device
        found = self.profile(input_ids.to(device), mask.to(device))
        if rule == "density":
            return found
        one_base = torch.ones((), dtype=torch.int64, device=device)
        return replace(found, received=by_mass(found.received, one_base))

    def _begin(
        self, input_ids: Tensor, attention_mask: Tensor | None
    ) -> tuple[Tensor, list[Mask], list[tuple[Tensor, Tensor]]]:
        """Embed, and make each layer's mask and rotary table (two kinds, shared between layers)."""
        length = input_ids.shape[1]
        if length > self.config.max_position_embeddings:
            raise ValueError(
                f"{length - 1:,} bases are more than the {self.config.longest_bp:,} this model has "
                "positions for: cut the sequence into windows"
            )
        real = None
        if attention_mask is not None and not bool((attention_mask != 0).all()):
            if attention_mask.shape != input_ids.shape:
                raise ValueError(
                    f"attention_mask is {tuple(attention_mask.shape)}, "
                    f"input_ids {tuple(input_ids.shape)}"
                )
            real = attention_mask != 0
            if bool((real[:, 1:] & ~real[:, :-1]).any()):
                raise ValueError("padding goes on the right: base i is token i + 1")
        by_theta: dict[float, tuple[Tensor, Tensor]] = {}
        by_window: dict[int | None, Mask] = {}
        masks, tables = [], []
        for i in range(self.config.num_hidden_layers):
            theta = self.config.rope_theta(i)
            if theta not in by_theta:
                by_theta[theta] = rotary_table(
                    length, self.config.head_dim, theta, input_ids.device
                )
            tables.append(by_theta[theta])
            window = self.config.window(i)
            masks.append(by_window.setdefault(window, Mask(real=real, window=window)))
        return self.embeddings(input_ids), masks, tables
