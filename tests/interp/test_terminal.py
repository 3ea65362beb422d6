"""Numbers as the terminal shows them."""

from __future__ import annotations

import math

import pytest

from nucel_interp.cli.terminal import with_interval


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1.206, 1.02, 1.43), "1.21 (1.02 to 1.43)"),
        ((1.206, math.nan, math.nan), "1.21"),
        ((math.nan, math.nan, math.nan), "-"),
    ],
)
def test_what_is_not_known_is_a_dash(numbers, words):
    assert with_interval(*numbers) == words
