"""Which texts go with success?

Features: differences between pins of the same weeks, as for formats, with false discovery control. Words: log-odds
with a Dirichlet prior (Monroe et al. 2008), compared with shuffles of pins.
"""
