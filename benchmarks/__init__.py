"""Scripts that print ratios and figures beside a peer in the same run."""
