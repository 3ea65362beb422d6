"""Comparisons, a room for each: models, heads, agreement of scores, intervention."""
