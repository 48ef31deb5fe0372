"""How much depends on a few pins?

Gini coefficient and share of the top tenth at one age, with an interval from a bootstrap over pins.
"""
