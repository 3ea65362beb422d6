"""Does it matter where the model looks: shuffling seqlets, and matched controls."""
