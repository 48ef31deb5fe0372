"""Serve OneUp's Pinterest analytics API over real HTTP, from a made-up world.

Every account, pin and figure is invented; only the shapes of the responses are OneUp's.
"""

from oneup_pinterest.sandbox.accounts import Account
from oneup_pinterest.sandbox.faults import Fault
from oneup_pinterest.sandbox.pins import Counters, Pin
from oneup_pinterest.sandbox.server import LoggedRequest, Sandbox
from oneup_pinterest.sandbox.world import World

__all__ = ["Account", "Counters", "Fault", "LoggedRequest", "Pin", "Sandbox", "World"]
