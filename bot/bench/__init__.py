"""Benchmarks: each prints JSON lines, and what it is compared with was measured in the same run."""
