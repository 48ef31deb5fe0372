"""What in the texts goes with success?

Differences between pins of the same weeks, as for formats. Words: log-odds with a Dirichlet prior (Monroe et al.
2008), with false discovery control.
"""
