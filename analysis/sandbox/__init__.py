"""A real HTTP server that speaks OneUp's Pinterest analytics API from a made-up world.

Every account, pin and figure that it serves is invented; only the shapes are OneUp's.
"""

from analysis.sandbox.accounts import Account
from analysis.sandbox.faults import Fault
from analysis.sandbox.pins import Counters, Pin
from analysis.sandbox.server import LoggedRequest, Sandbox
from analysis.sandbox.world import World

__all__ = ["Account", "Counters", "Fault", "LoggedRequest", "Pin", "Sandbox", "World"]
