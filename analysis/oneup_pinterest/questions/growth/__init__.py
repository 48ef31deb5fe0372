"""How do pins grow, when do they have half, and what do old pins bring?

Counters of the same pins at every age, with an exact interval of the median from order statistics. Half-life:
Kaplan-Meier at a horizon of 7, 30 or 90 days. Old pins: share of the gains of 30 days by age, bootstrap over pins.
"""
