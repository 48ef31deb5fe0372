"""Statistics: pure functions from frames to frames, each with a promise that a simulation keeps.

They take any number of accounts and answer for each by itself; nothing here reads a file, draws or writes prose.
"""
