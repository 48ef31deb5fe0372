"""Which pins have the best and worst rates, and how certain is that?

Beta-binomial empirical Bayes (Robbins 1956); intervals hold Wilson's (1927) as well. The probability of being among the
top pins comes from draws of all posteriors.
"""
