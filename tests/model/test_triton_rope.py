"""The GPU's rotation against the plain one: interpreted on CPU tensors where there is no GPU."""

from __future__ import annotations

import pytest
import torch

from nucel_model.rope import rotary_table, split_heads

pytest.importorskip("triton", reason="Triton is for Linux")

from nucel_model import triton_rope

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("dim", [16, 24])
@pytest.mark.parametrize("length", [1, 70])
def test_it_turns_as_the_plain_rotation_does(length, dim, dtype):
    qkv = torch.randn(2, length, 3 * 2 * dim).to(dtype)
    wanted = split_heads(qkv, 2, rotary_table(length, dim, 10_000.0, torch.device("cpu")))
    device = torch.device(DEVICE)
    table = rotary_table(length, dim, 10_000.0, device)
    got = triton_rope.split_heads(qkv.to(device), 2, table)
    for mine, theirs in zip(got, wanted, strict=True):
        assert mine.shape == (2, 2, length, dim)
        assert mine.dtype == dtype
        assert mine.stride(-1) == 1
        tolerance = 2e-6 if dtype == torch.float32 else 2e-3  # the last digit of fp16
        torch.testing.assert_close(mine.cpu(), theirs, atol=tolerance, rtol=tolerance)
