"""How much depends on a few pins?

Gini coefficient and share of the top tenth at one age, with a bootstrap-t interval over pins (Davison and Hinkley
1997).
"""
