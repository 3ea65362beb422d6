"""Fine-tuning: an encoder and a linear head on [CLS] learn labelled sequences."""
