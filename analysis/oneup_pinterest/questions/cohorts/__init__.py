"""Do later pins do better?

Publish weeks by age, with a permutation of pins.
"""
