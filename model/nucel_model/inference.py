"""What a forward pass without gradients may do differently: fused products, tokens in parts.

Neither changes the arithmetic beyond the last digits. With gradients, under autocast, off the CPU,
or where somebody has put a hook, a forward or a module of their own, the plain way is taken: whole
sequences through each module's own call, once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from nucel_model.rope import split_heads

PART, PART_CUDA = 1024, 32_768
_EVERYWHERE = (
    torch_module._global_forward_hooks,
    torch_module._global_forward_pre_hooks,
    torch_module._global_backward_hooks,
    torch_module._global_backward_pre_hooks,
)
_ALONE = (nn.Linear, nn.LayerNorm, nn.Identity)
"""Of torch's modules, what works on each token by itself."""


def untouched(*layers: nn.Module) -> bool:
    """Whether these layers and all within are as this package made them, without any hook.

    A hook wants to see whole sequences; a module of another kind may mix tokens.
    """
    return all(
        (type(module) in _ALONE or type(module).__module__.startswith("nucel_model."))
        and _hookless(module)
        for layer in layers
        for module in layer.modules()
    )


def _hookless(module: nn.Module) -> bool:
    """Whether calling this module is calling its class's ``forward`` and nothing else."""
    return not (
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
        or any(_EVERYWHERE)
    )


def part_size(x: Tensor) -> int:
    """Tokens that go through a linear layer at a time.

    On a CPU the widest array then stays near the cache; on a GPU it stays a quarter of a gigabyte.
    """
    return PART_CUDA if x.is_cuda else PART


def in_parts(x: Tensor, *layers: nn.Module) -> Tensor:
    """``layers`` one after the other on (batch, tokens, hidden); together they keep the shape."""
    length, size = x.shape[1], part_size(x)
    if torch.is_grad_enabled() or length <= size or not untouched(*layers):
        return _through(x, layers)
    out = torch.empty_like(x)
    for start in range(0, length, size):
        out[:, start : start + size] = _through(x[:, start : start + size], layers)
    return out


def _through(x: Tensor, layers: tuple[nn.Module, ...]) -> Tensor:
    for layer in layers:
        x = linear(x, layer)
    return x


def qkv_heads(
    x: Tensor, layer: nn.Module, n_heads: int, table: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """`split_heads` of ``layer(x)``, x being (batch, tokens, hidden)."""
    b, length, width = x.shape
    size = part_size(x)
    if torch.is_grad_enabled() or length <= size or not untouched(layer):
        return split_heads(linear(x, layer), n_heads, table)
    dim = width // n_heads
    q, k, v = (
        x.new_empty(3, b, length, n_heads, dim).transpose(2, 3)  # what flash wants
        if x.is_cuda
        else x.new_empty(3, b, n_heads, length, dim)
    )
    for start in range(0, length, size):
        here = slice(start, start + size)
        some = split_heads(linear(x[:, here], layer), n_heads, (table[0][here], table[1][here]))
        for whole, stretch in zip((q, k, v), some, strict=True):
            whole[:, :, here] = stretch
    return q, k, v


def fusible(x: Tensor, *layers: nn.Module) -> bool:
    """Whether `linear` and `geglu` may stand in for these layers on this input."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.numel() > 0
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and all(
            type(layer) is nn.Linear and _hookless(layer) and layer.weight.dtype == x.dtype
            for layer in layers
        )
        and _onednn() is not None
    )


def linear(x: Tensor, layer: nn.Module) -> Tensor:
    """``layer(x)``; oneDNN's product is a tenth to a quarter faster than the one torch takes."""
    if isinstance(layer, nn.Linear) and fusible(x, layer):
        return _product(x, layer.weight)
    return layer(x)


def geglu(x: Tensor, w_in: Tensor, w_out: Tensor) -> Tensor:
    """The gated MLP, GELU and gate applied as the products are written; if `fusible` says so."""
    value, gate = w_in.chunk(2)
    x = x.contiguous()
    activated = _onednn()(x, value, None, "gelu", [], "none")
    return _product(_onednn().binary(x, activated, gate, None, "mul"), w_out)


def _product(x: Tensor, weight: Tensor) -> Tensor:
    return _onednn()(x.contiguous(), weight, None, "none", [], "")


@cache
def _onednn() -> Any:
    """Torch's oneDNN linear, which its own compiler calls; None where a build is without it.

    It is not documented, so it is tried once on a product whose answer is known.
    """
    if not torch.backends.mkldnn.is_available():
        return None
    op: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    x = torch.tensor([[1.0, -2.0]])
    square = 2 * x.T @ x
    try:
        plain = op(x, square, None, "none", [], "")
        gated = op.binary(x, op(x, square, None, "gelu", [], "none"), square, None, "mul")
    except (AttributeError, RuntimeError, TypeError):
        return None
    wanted = x @ square.T
    return (
        op
        if torch.allclose(plain, wanted) and torch.allclose(gated, F.gelu(wanted) * wanted)
        else None
    )
