"""Do formats differ?

Differences between pins of the same weeks, tested by permutation (Janssen 1997); next to them, the crude difference.
"""
