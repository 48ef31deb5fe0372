"""Did the account change, do new pins do better, and is there a trend?

The account: sign flips of whole pins (Efron 1969), with an interval from inverting the test. New pins: permutation of
pins at age 7 with Welch's statistic (Janssen 1997). Trend: weekly growth rate, with sign flips of whole pins.
"""
