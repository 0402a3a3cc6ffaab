"""Files of stores, which long runs and sweeps are written to: each is there whole, or not."""
