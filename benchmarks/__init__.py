"""Measurements behind decisions, as commands; none of them is a test."""
