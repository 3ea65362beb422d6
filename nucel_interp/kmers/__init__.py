"""k-mers that are frequent where the score is high: counted once per unit, both strands as one."""

from nucel_interp.kmers.counting import KmerIndex, kmer_words
from nucel_interp.kmers.enrichment import sign_test
from nucel_interp.kmers.table import kmer_table

__all__ = ["KmerIndex", "kmer_table", "kmer_words", "sign_test"]
