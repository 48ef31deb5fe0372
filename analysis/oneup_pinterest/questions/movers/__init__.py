"""Which pins moved?

The gain of a week against the level and the age of the pin (negative binomial), with false discovery control
(Benjamini and Hochberg 1995).
"""
