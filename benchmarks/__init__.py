"""Benchmarks: commands that measure time, memory and size, for decisions about the design. They are not tests."""
