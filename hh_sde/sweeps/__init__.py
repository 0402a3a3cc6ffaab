"""Sweeps: what varies is a dimension, and its points run beside each other."""
