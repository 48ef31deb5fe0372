"""Do formats differ?

Differences of logs between pins of the same weeks, where pins of one day and week share their luck (restricted
likelihood, Patterson and Thompson 1971), tested by permutation (Janssen 1997); next to them, the crude difference.
"""
