"""Do followers grow, and does effort go with results?

Weekly change of followers with Student's t. Rank correlation (Spearman) with a permutation of whole weeks. Effort:
later gains of the pins that were there before.
"""
