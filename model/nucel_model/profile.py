"""Attention reduced to numbers per base, without holding an L x L map.

For every layer and head: ``received[j]`` = sum over base queries i of A[i, j], divided by the sum
over base queries i that may see j of 1/n_i, with n_i the number of keys query i may attend to
([CLS] and N included, padding not). Uniform attention gives 1.0 everywhere, ends included, which a
plain column sum does not: within a window, bases near an end can be seen by fewer queries.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from nucel_model.backends import Mask
from nucel_model.outputs import Profile
from nucel_model.profile_blocks import Reductions, profile_blocks
from nucel_model.profile_gpu import available, profile_gpu


@dataclass(frozen=True)
class Roles:
    """What each token is, (batch, tokens) bool each."""

    base: Tensor
    cls: Tensor
    unknown: Tensor


def expected_received(roles: Roles, mask: Mask) -> Tensor:
    """What uniform attention from base queries would give each key: (batch, tokens), fp64."""
    real = mask.real if mask.real is not None else torch.ones_like(roles.base)
    visible = _window_sum(real.double(), mask.window)
    return _window_sum(roles.base.double() / visible.clamp(min=1), mask.window)


def _window_sum(x: Tensor, window: int | None) -> Tensor:
    """Sum of x over |i - j| <= window, for every i; over everything if window is None."""
    if window is None:
        return x.sum(dim=1, keepdim=True).expand_as(x)
    length = x.shape[1]
    total = torch.cat([x.new_zeros(x.shape[0], 1), x.cumsum(dim=1)], dim=1)
    at = torch.arange(length, device=x.device)
    return total[:, (at + window + 1).clamp(max=length)] - total[:, (at - window).clamp(min=0)]


@dataclass
class Profiler:
    """The attention of a pass of which a profile is wanted: `attend` per layer, then `finish`.

    Reductions accumulate in fp32 (fp64 for fp64 input).
    """

    roles: Roles
    _layers: list[tuple[Mask, Tensor, Tensor]] = field(default_factory=list)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
        """The output of one layer's attention, all (batch, heads, tokens, dim); reduced aside."""
        kernel = profile_gpu if available(q.device)[0] else profile_blocks
        found: Reductions = kernel(q, k, v, mask, self.roles.base)
        self._layers.append((mask, found.column, found.entropy))
        return found.out

    def finish(self, last_hidden_state: Tensor) -> Profile:
        """All layers so far as one `Profile`, the first token ([CLS]) left out."""
        roles = self.roles
        masks, columns, entropies = zip(*self._layers, strict=True)
        self._layers.clear()
        n_queries = roles.base.sum(dim=1).clamp(min=1)[:, None, None]
        by_window = {
            mask.window: expected_received(roles, mask).to(columns[0].dtype) for mask in set(masks)
        }
        hidden = ~roles.base[:, None, None]
        received = torch.stack(columns, dim=1)
        entropy = torch.stack(entropies, dim=1)
        shares = [
            torch.einsum("blht,bt->blh", received, role.to(received.dtype)) / n_queries
            for role in (roles.cls, roles.unknown)
        ]
        received /= torch.stack([by_window[mask.window] for mask in masks], dim=1)[:, :, None]
        return Profile(
            received=received.masked_fill_(hidden, float("nan"))[..., 1:],
            entropy=entropy.masked_fill_(hidden, float("nan"))[..., 1:],
            cls_share=shares[0],
            n_share=shares[1],
            last_hidden_state=last_hidden_state,
        )
