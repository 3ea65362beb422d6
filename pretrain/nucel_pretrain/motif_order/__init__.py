"""Motif order: sequences with motifs A and B, positive where A comes first; models learn to tell.

The task on which the NucEL paper (arXiv 2508.13191) compares attention. Its motifs, background,
lengths and numbers are not published, so every choice here is one of our own and is written down
with the results (see `methods`).
"""
