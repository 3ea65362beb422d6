"""k-mers that are frequent where the score is high: counted once per unit, both strands as one."""

from nucel_interp.kmers.counting import KmerIndex, kmer_words, word_form
from nucel_interp.kmers.enrichment import chance_inside, placement_p, sign_test
from nucel_interp.kmers.table import Half, kmer_table

__all__ = [
    "Half",
    "KmerIndex",
    "chance_inside",
    "kmer_table",
    "kmer_words",
    "placement_p",
    "sign_test",
    "word_form",
]
