"""Defaults of fine-tuning, for settings and for commands, which load no torch to show them."""

EPOCHS = 8
BATCH = 32
"""Sequences of a step."""
PATIENCE = 4
"""Looks at dev, two per epoch, without a lower loss."""
