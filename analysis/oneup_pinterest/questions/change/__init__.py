"""Did the account change, do new pins do better, and is there a trend?

Sign flips of whole pins, with an interval from inverting the test. New pins: permutation of pins at age 7 with
Welch's statistic. Trend: weekly growth rate, with flips of whole pins.
"""
