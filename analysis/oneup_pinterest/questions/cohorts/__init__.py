"""Do later pins do better?

Weeks of publication by age, with a permutation of pins (Kruskal-Wallis, Spearman).
"""
