"""Benchmarks: each runs without arguments; its last line is JSON with ratios, goals and whether they are met."""
