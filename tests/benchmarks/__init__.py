"""Benchmarks: each holds a figure that the design promises against peers in the same run."""
