"""Names of the scores that a model gives, of its heads or of its outputs.

A name is checked twice: as it is spelled, before anything is read, and against the model.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from nucel_interp.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nucel_model import AnyConfig

ATTENTION, ATTENTION_GLOBAL, DISCRIMINATOR = "attention", "attention-global", "discriminator"
VALUE_NORM, RELEVANCE, INFLUENCE = "value-norm", "relevance", "influence"
OF_HEADS = (ATTENTION, ATTENTION_GLOBAL, VALUE_NORM)
NAMES = (*OF_HEADS, DISCRIMINATOR, RELEVANCE, INFLUENCE)
HEAD, HEAD_NAME = "LAYER:HEAD", "{}:{}"
_HEAD = re.compile(r"(\d{1,4}):(\d{1,4})")


def is_head(score: str) -> bool:
    """Whether it names a head alone, as ``3:0`` does."""
    return _HEAD.fullmatch(score) is not None


def check_score(score: str) -> str:
    """The name, if it is one.

    Raises:
        InputError: It is none; the nearest is named.
    """
    if score in NAMES or is_head(score):
        return score
    near = difflib.get_close_matches(score, NAMES, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(
        f"{score!r} is no score: {', '.join(NAMES)}, or a head as {HEAD}, both from 0{hint}"
    )


def fixed_heads(score: str, config: AnyConfig) -> NDArray[np.int64] | None:
    """Indices (layers x heads) of the heads that a score prescribes; None if it chooses them.

    Raises:
        InputError: The model has no such head.
    """
    import numpy as np

    n = config.num_attention_heads
    if score == ATTENTION_GLOBAL:
        layers = [i for i in range(config.num_hidden_layers) if config.window(i) is None]
        return np.array([i * n + h for i in layers for h in range(n)], dtype=np.int64)
    if (found := _HEAD.fullmatch(score)) is None:
        return None
    layer, head = int(found[1]), int(found[2])
    if layer >= config.num_hidden_layers or head >= n:
        raise InputError(
            f"there is no head {score}: the model has layers 0 to {config.num_hidden_layers - 1} "
            f"with heads 0 to {n - 1}"
        )
    return np.array([layer * n + head], dtype=np.int64)
