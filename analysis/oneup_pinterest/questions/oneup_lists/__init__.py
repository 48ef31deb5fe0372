"""Which pins does OneUp rank first?

OneUp's six lists of its newest period, as sent; nothing is computed.
"""
