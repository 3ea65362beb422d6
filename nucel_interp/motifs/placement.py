"""Where in its seqlet a site tends to lie, learned from the sites themselves.

A score peaks at or beside what it points at, so a site far from the middle of its seqlet is more
likely chance. How far is typical differs from score to score and is not ours to assume: as in MEME
with a position-specific prior (Bailey et al., BMC Bioinformatics 2010, 11:179), the distances of
all motifs' sites together give the log-odds of a distance, which the same is done with on shuffled
sequence. Sites without any preference give a flat placement, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.motifs.seqlet_windows import hundredths

SPREAD = 3.0
"""Standard deviation of the smoothing, in half bases."""
ANYWHERE = 1000
"""Sites spread evenly over all places that are added to those seen: some hundred sites at random
must not look like a preference."""


def learned_placement(
    sites: Sequence[tuple[NDArray[np.int64], int]], reach: int
) -> NDArray[np.float32]:
    """Log-odds of each distance between a site's middle and its seqlet's: (reach + 1,).

    Against sites that may begin at any column of their seqlets, where wide motifs have less choice.
    Distances have no sign: strands of a record, and with them its two directions, are arbitrary.

    Args:
        sites: Per motif the distances of its sites, in half bases (`Windows.distance`), and its
            width in bases.
        reach: Width of the seqlets in bases, which is the largest distance in half bases.

    Returns:
        Hundredths of a bit, whole; all 0 without any site.
    """
    seen, chance = np.zeros(2 * reach + 1), np.zeros(2 * reach + 1)
    for distances, width in sites:
        times = np.bincount(np.minimum(distances, reach), minlength=reach + 1)
        # 0 is one place, every other distance is two, one on either side
        seen += np.concatenate([times[:0:-1] / 2, times[:1], times[1:] / 2])
        free = max(0, reach - width)
        chance[reach - free : reach + free + 1 : 2] += len(distances) / (free + 1)
    n = seen.sum()
    if not n:
        return np.zeros(reach + 1, dtype=np.float32)
    places = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * ((places[:, None] - places) / SPREAD) ** 2)
    # sums, not matrix products: equal digits on any number of threads
    found = (kernel * seen).sum(axis=1)
    expected = (kernel * chance).sum(axis=1)
    ratio = (found + ANYWHERE / n * expected) / ((1 + ANYWHERE / n) * expected)
    worth: NDArray[np.float32] = hundredths(np.log2(ratio)).astype(np.float32)
    return worth[reach:]
