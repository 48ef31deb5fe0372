"""Build the API's responses from the made-up world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import Any

from oneup_pinterest.sandbox.accounts import DOCUMENTED_SAMPLE_ID, Account
from oneup_pinterest.sandbox.pictures import picture_name
from oneup_pinterest.sandbox.pin_texts import pin_text
from oneup_pinterest.sandbox.pins import Counters, Pin
from oneup_pinterest.sandbox.request_validation import Window
from oneup_pinterest.sandbox.world import World

JsonObject = dict[str, Any]

# Keys, names and descriptions of the six metrics, as in the documented samples.
_METRICS = (
    ("posts", "Posts", "Total number of posts in this period"),
    ("impressions", "Impressions", "Total number of times your pins were shown"),
    ("saves", "Saves", "The number of times your pins were saved"),
    ("comments", "Comments", "The number of comments on your pins"),
    ("repins", "Repins", "The number of times your pins were repinned"),
    ("clicks", "Clicks", "The number of clicks on your pins"),
)
_MAX_RANKING = 3


def documented_response(endpoint: str, social_network_id: str) -> bytes | None:
    """Return OneUp's documented sample, byte for byte, for the account that stands for it; else None."""
    if social_network_id != DOCUMENTED_SAMPLE_ID:
        return None
    return files(__package__).joinpath("samples", f"{endpoint}.json").read_bytes()


def accounts_response(world: World) -> JsonObject:
    """Return the response of listsocialaccounts."""
    rows = [
        {
            "username": account.username,
            "full_name": account.full_name,
            "social_account_id": account.social_network_id,
            "social_network_type": account.social_network_type,
            "is_expired": int(account.is_expired),
            "need_refresh": account.need_refresh,
        }
        for account in world.listed_accounts
    ]
    return {"message": "OK", "error": False, "data": rows}


def overview_response(world: World, account: Account, window: Window, now: datetime) -> JsonObject:
    """Return the response of pinterest/overview."""
    stale = _is_stale(account)
    data = {
        "metrics": _metrics(world, account, window, now),
        "total_followers": 0 if stale else world.followers(account.social_network_id, now),
        "post_performance": _post_performance(world, account, window, now),
    }
    return {"success": True, "data": data}


def posts_response(
    world: World, account: Account, window: Window, now: datetime, pictures_url: str | None = None
) -> JsonObject:
    """Return the response of pinterest/posts: the pins published in the window, newest first.

    `pictures_url` is the URL of the server that has their pictures; None: nobody has.
    """
    posts = [
        {
            "id": pin.id,
            "page_id": pin.page_id,
            "format": pin.format,
            "text": pin_text(account.theme, pin.id),
            "permalink": _permalink(pin),
            "media_type": pin.media_type,
            "media_url": _media_url(pin, pictures_url),
            "stats": counters._asdict(),
            "timestamp": pin.published.isoformat(" ", "seconds"),
        }
        for pin, counters in _published(world, account, window, now)
    ]
    data = {"stats": _metrics(world, account, window, now), "posts": posts}
    return {"success": True, "data": data}


def percentage_change(current: int, last: int) -> str:
    """Return the API's text for a change: 100% from zero to anything else, 0% from zero to zero."""
    if current == last:
        return "0%"
    change = 100.0 if last == 0 else (current - last) / last * 100
    return f"{change:+,.1f}%"


def _is_stale(account: Account) -> bool:
    # For an expired connection the API was seen to respond 200 with plausible zeros.
    return account.is_expired or account.need_refresh


def _metrics(world: World, account: Account, window: Window, now: datetime) -> list[JsonObject]:
    start, end = window.start.toordinal(), window.end.toordinal()
    length = end - start + 1
    current = _period(world, account, start, end, now)
    last = _period(world, account, start - length, start - 1, now)
    return [
        {
            "key": key,
            "name": name,
            "value_current_period": current[key],
            "value_last_period": last[key],
            "percentage_change": percentage_change(current[key], last[key]),
            "description": description,
        }
        for key, name, description in _METRICS
    ]


def _period(world: World, account: Account, start: int, end: int, now: datetime) -> dict[str, int]:
    if _is_stale(account):
        return {key: 0 for key, _, _ in _METRICS}
    posts, gained = world.activity_of_days(account.social_network_id, start, end, now)
    return {"posts": posts, **gained._asdict()}


def _published(world: World, account: Account, window: Window, now: datetime) -> list[tuple[Pin, Counters]]:
    if _is_stale(account):
        return []
    pins = world.pins(account.social_network_id, window.start, window.end, now)
    return [(pin, world.counters(pin, now)) for pin in pins]


def _post_performance(world: World, account: Account, window: Window, now: datetime) -> dict[str, list[JsonObject]]:
    seen = _published(world, account, window, now)

    def ranking(score: Callable[[tuple[Pin, Counters]], float], *, highest: bool) -> list[JsonObject]:
        return [
            {
                "id": pin.id,
                "text": pin_text(account.theme, pin.id),
                "permalink": _permalink(pin),
                "engagement_rate": _engagement_rate(counters),
                "impressions": counters.impressions,
            }
            for pin, counters in sorted(seen, key=score, reverse=highest)[:_MAX_RANKING]
        ]

    def engagement(entry: tuple[Pin, Counters]) -> float:
        return _engagement_rate(entry[1])

    def views(entry: tuple[Pin, Counters]) -> float:
        return entry[1].impressions

    def repins(entry: tuple[Pin, Counters]) -> float:
        return entry[1].repins

    return {
        "most_engaging": ranking(engagement, highest=True),
        "least_engaging": ranking(engagement, highest=False),
        "most_views": ranking(views, highest=True),
        "least_views": ranking(views, highest=False),
        "most_repinned": ranking(repins, highest=True),
        "least_repinned": ranking(repins, highest=False),
    }


def _engagement_rate(counters: Counters) -> float:
    """Return the percent of impressions with an engagement; OneUp does not document its formula."""
    if counters.impressions == 0:
        return 0.0
    engaged = counters.saves + counters.comments + counters.clicks
    return round(100 * engaged / counters.impressions, 2)


def _permalink(pin: Pin) -> str:
    return f"https://www.pinterest.com/pin/{pin.id}/"


def _media_url(pin: Pin, pictures_url: str | None) -> str:
    if pictures_url is not None:
        return pictures_url + picture_name(pin.account.theme, pin.id, is_video=pin.format == "video")
    return f"https://example.com/made-up/{pin.id}.{'mp4' if pin.format == 'video' else 'jpg'}"
