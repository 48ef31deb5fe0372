"""Is the data complete, and what do the counters measure?

Coverage of snapshots; falls, rises and gaps of each counter, which is a lifetime, rolling or restated one; checks of
the file; tests of the assumptions about the API.
"""
