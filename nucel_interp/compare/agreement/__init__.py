"""Do attention, gradients and mutagenesis agree, base by base: `agree_models`."""
