"""Did the account change, do new pins do better, and is there a trend?

The account: sign flips of whole pins (Efron 1969), with an interval from inverting the test. New pins: logs of
the counts at age 7, where pins of one day and week share their luck (restricted likelihood, Patterson and Thompson
1971). Trend: weekly growth rate, with sign flips of whole pins.
"""
