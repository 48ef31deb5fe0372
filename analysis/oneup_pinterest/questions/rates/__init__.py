"""Which pins have the best and worst rates, and how sure is that?

Beta-binomial empirical Bayes, with Wilson's interval beside it. The probability of being among the top pins comes
from draws of all posteriors.
"""
