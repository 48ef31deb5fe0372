"""How do pins grow, when do they reach half of their count, and what do old pins contribute?

Growth: counters of the same pins at every age, with an exact interval of the median from order statistics (Conover).
Half-life: Kaplan-Meier at a horizon of 7, 30 or 90 days. Old pins: share of the gains of 30 days by age, with a
bootstrap-t interval over pins (Davison and Hinkley 1997).
"""
