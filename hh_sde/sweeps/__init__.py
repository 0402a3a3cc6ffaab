"""Sweeps: a parameter is a dimension, its points run in tasks, and a store keeps what is done."""
