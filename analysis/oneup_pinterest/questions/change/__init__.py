"""Did the account change, do new pins do better, and is there a trend?

The account: each pin against its own level and age (conditional quasi-Poisson, sandwich variance over pins, Liang and
Zeger 1986), beyond the swings that all pins share, which are learned from up to half a year of history. New pins: logs
of the counts at age 7, where pins of one day and week share their luck (restricted likelihood, Patterson and Thompson
1971). Trend: a straight line through the logarithms of weekly gains, beyond persistent swings.
"""
