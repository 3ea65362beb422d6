"""Ablations: several ways to train, compared at the same number of floating-point operations."""
