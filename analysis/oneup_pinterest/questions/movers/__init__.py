"""Which pins moved?

The gain of a week against the level, the age and the rise of the pin (negative binomial), as unusual as past weeks of
the account show (peaks over threshold), with false discovery control (Benjamini and Hochberg 1995).
"""
