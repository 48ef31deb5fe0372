"""Are the data complete, and what do the counters measure?

Coverage of snapshots; the type of each counter (lifetime, rolling or restated) from its rises and falls; checks of the
file; tests of the assumptions about the API.
"""
