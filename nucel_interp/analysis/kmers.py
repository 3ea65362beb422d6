"""The k-mers of a study's seqlets, each with the motif that holds its places."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from nucel_interp.analysis.held_out import Called
from nucel_interp.analysis.study import Study
from nucel_interp.kmers import Half, KmerIndex, kmer_table, word_form
from nucel_interp.kmers.table import K
from nucel_interp.motifs.testing import site_bases
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Site

if TYPE_CHECKING:
    import pandas as pd


def study_kmers(
    folds: list[Study], called: list[Called], sites: dict[str, list[Site]], k: int = K
) -> pd.DataFrame:
    """`kmer_table` of an input, each word with the motif that holds over half of its places.

    Args:
        folds: Two studies of the same units, each with the other half as test half, or a single
            study without a test half.
        called: Seqlets of each.
        sites: Motif id -> sites of the motif.
        k: Letters of a word.
    """
    study = folds[0]
    halves = [
        Half(
            inside=covered(mine.seqlets, study.offsets),
            copies_inside=[covered(s, study.offsets) for s in mine.copy_seqlets],
            track=fold.track,
            test=fold.test,
            group=study.layout.sequences.rank,
        )
        for fold, mine in zip(folds, called, strict=True)
    ]
    table = kmer_table(study.sequences, [c.sequences for c in study.copies], halves, k)
    if not len(table) or not sites:
        return table
    under = {i: site_bases(s, study.offsets) for i, s in sites.items()}
    owners = {}
    for form, words in groupby(sorted(table["kmer"], key=word_form), key=word_form):
        index = KmerIndex(study.sequences, *form)
        for word in words:
            code = int(KmerIndex([word], *form).code[0])
            middles = index.places(code) + index.width // 2
            share = {i: float(u[middles].mean()) for i, u in under.items()}
            best = max(share, key=lambda i: share[i])
            owners[word] = best if share[best] > 0.5 else ""
    table["motif_id"] = table["kmer"].map(owners)
    return table
