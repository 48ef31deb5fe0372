"""Which days stand out, and did the level shift?

Unusual days: rolling median and median absolute deviation by weekday (Hampel; Pearson 2002). Level shifts: PELT with a
calibrated penalty (Killick et al. 2012), and a bootstrapped likelihood ratio against a series that only wanders.
"""
