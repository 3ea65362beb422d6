"""Motifs: matrices, their similarity, and where they occur in sequence."""
