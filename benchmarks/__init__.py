"""Benchmarks: how long the program takes, measured against other tools and against itself."""
