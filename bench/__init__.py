"""Benchmarks: each runs without arguments and prints, as its last line, JSON with ratios, goals and whether they are met."""
