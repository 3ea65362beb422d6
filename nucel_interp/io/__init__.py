"""Files in and out: sequence, tracks, tables, motifs, output folders, provenance."""
