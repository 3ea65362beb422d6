"""Which head attends to which motif: `head_motifs`."""
