"""Do formats differ?

Differences between pins of the same weeks, tested by permutation; the unadjusted difference stands beside them.
"""
