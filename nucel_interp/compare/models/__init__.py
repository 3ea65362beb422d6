"""Comparing models at the sites of motifs: `compare_models`."""
