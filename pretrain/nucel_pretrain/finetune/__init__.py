"""Fine-tuning: an encoder and a linear head learn labelled sequences."""
