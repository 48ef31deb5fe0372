"""What should be done next?

Old pins that still bring clicks (counts), pins that rise or fade (as in `movers`), pins with far better or worse rates
than the account (binomial tests, Benjamini and Hochberg 1995), and formats, texts and times that pass their tests.
"""
