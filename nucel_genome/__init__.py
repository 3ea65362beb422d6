"""Genomes of any size, read by interval, and places in them: FASTA, 2bit and BED."""

import nucel_runtime  # noqa: F401, before torch
from nucel_genome.bed import bed_lines
from nucel_genome.errors import GenomeError
from nucel_genome.genome import Genome
from nucel_genome.intervals import Intervals, intersect, merge, subtract

__all__ = ["Genome", "GenomeError", "Intervals", "bed_lines", "intersect", "merge", "subtract"]
