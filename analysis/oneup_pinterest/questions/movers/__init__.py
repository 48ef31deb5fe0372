"""Which pins moved?

Gain of a week against the level and the age of the pin, with false discovery control.
"""
