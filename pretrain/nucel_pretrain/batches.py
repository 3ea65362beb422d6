"""Windows to batches a model can take: tokens, masks, noise, weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from nucel_pretrain.data import Windows
from nucel_pretrain.masking import MaskingConfig, mask_and_noise
from nucel_pretrain.objectives import Batch
from nucel_pretrain.tokens import Tokens


class Batches:
    """``batches(indices)`` is the batch of these windows: a function of (seed, indices) alone.

    Attributes:
        windows: Windows that the batches are drawn from.
        size: Windows in a whole step.
    """

    def __init__(self, windows: Windows, tokens: Tokens, masking: MaskingConfig, seed: int) -> None:
        self.windows = windows
        self.size = windows.config.batch
        self._tokens, self._masking, self._seed = tokens, masking, seed

    def __call__(self, indices: Sequence[int]) -> Batch:
        """Tokens, masks and noise of the windows named."""
        read = self._tokens(self.windows.batch(self._seed, indices))
        masked, noise = mask_and_noise(
            read.input_ids, self._seed, indices, self._masking, self._tokens.n_sequence
        )
        weights = None
        if self.windows.config.repeat_weight < 1:
            per_base = self.windows.weights(self._seed, indices)[:, 1:]
            weights = torch.from_numpy(read.mean(per_base))
        return Batch(
            torch.from_numpy(read.input_ids),
            torch.from_numpy(masked),
            torch.from_numpy(noise),
            weights,
        )

    def steps(
        self, first: int, last: int, *, rank: int = 0, processes: int = 1, parts: int = 1
    ) -> Iterator[list[Batch]]:
        """This process's share of each step's windows, in ``parts``, made one step ahead.

        Step s holds windows s x size .. (s + 1) x size - 1; ``size`` is a multiple of
        processes x parts.
        """
        width = self.size // (processes * parts)

        def make(step: int) -> list[Batch]:
            begin = step * self.size + rank * parts * width
            return [self(range(begin + p * width, begin + (p + 1) * width)) for p in range(parts)]

        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(make, first) if first < last else None
            for step in range(first, last):
                assert coming is not None
                ready = coming.result()
                coming = ahead.submit(make, step + 1) if step + 1 < last else None
                yield ready
