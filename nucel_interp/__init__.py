"""See what a DNA language model has learned."""

__version__ = "0.1.0"
