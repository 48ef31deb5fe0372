"""How asking for an image can end."""

from enum import StrEnum


class Outcome(StrEnum):
    """How the last request for the image of a pin ended; the value is stored in the database."""

    FETCHED = "fetched"
    VIDEO = "video"  # it is no image
    NO_ADDRESS = "no_address"  # OneUp sent none
    REFUSED = "refused"  # not https, or not a public address
    MISSING = "missing"  # the server says that it is not there, or not for everybody
    INVALID = "invalid"  # what came is not an image, or is damaged
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"  # no network, no such host, a server that fails
    LATE = "late"  # the time was up


# the others end differently tomorrow, or cost no request
REMEMBERED = frozenset({Outcome.FETCHED, Outcome.VIDEO, Outcome.MISSING, Outcome.INVALID, Outcome.TOO_LARGE})

IN_WORDS = {
    Outcome.VIDEO: "a video",
    Outcome.NO_ADDRESS: "no address",
    Outcome.REFUSED: "an address that is not public https",
    Outcome.MISSING: "no longer at its address",
    Outcome.INVALID: "damaged or not a picture",
    Outcome.TOO_LARGE: "too large",
    Outcome.UNREACHABLE: "not reachable",
    Outcome.LATE: "left for the next report because the time was up",
}


class ImageError(Exception):
    """An image that cannot be shown; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome
