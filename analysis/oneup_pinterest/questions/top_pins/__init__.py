"""Which pins brought most in the last weeks?

What each pin gained in the period, a count, with its share of the account; what it has so far on the first day.
"""
