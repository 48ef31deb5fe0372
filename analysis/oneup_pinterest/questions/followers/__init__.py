"""Do followers grow, and does effort go with result?

Weekly trend of followers. Rank correlation with block permutation. Effort: lagged gains of the pins that were there
before.
"""
