"""The main job and its parts: records are scored, motifs found on one half, tested on the other."""
