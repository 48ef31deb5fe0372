"""What the views for BI and their columns mean: the comments in the file, from which docs/bi.md is generated too."""

from collections.abc import Mapping

from oneup_pinterest.database.comments import Comments
from oneup_pinterest.database.schema import COUNTERS

_ACCOUNT = {
    "social_network_id": "OneUp's id of the account, the newest one of a renamed account",
    "account_name": "name for people: full name and username, as far as OneUp lists them",
}
_GAINS = {
    name: f"gain of {name} of all observed pins together; null where it is unknown, or the counter is rolling"
    for name in COUNTERS
}

BI_VIEWS: Mapping[str, Comments] = {
    "account_daily": (
        "What the pins of each account gained on each day. One row per account and day with an observed pin. Known "
        "gains are summed; where more pins fell than rose, as after a reset, the sum is null.",
        {
            **_ACCOUNT,
            "day": "the day of the gains: the one before the snapshot that shows them",
            **_GAINS,
            "pins_published": "number of pins that were published on that day and ever seen",
            "followers": "followers at the end of the day; null without a snapshot of the day after",
            "pins_observed": "number of pins with a row that day, at most over the counters",
            "pins_fallen": "of these, pins with an unknown gain; above 0, a sum is a lower bound",
            "is_spread": "for at least one counter, most gains are spread over a gap between syncs",
            "is_provisional": "one of the last two days, which Pinterest may still restate, or a rise in it may still "
            "be taken back",
        },
    ),
    "account_weekly": (
        "Sums of account_daily over weeks from Monday to Sunday. A week with fewer than seven known days is a lower "
        "bound.",
        {
            **_ACCOUNT,
            "week": "the first day of the week, a Monday, by which it is named",
            **{name: f"sum of the known daily gains of {name}; null where none is known" for name in COUNTERS},
            "pins_published": "number of pins published on the days of the week that account_daily has",
            "followers": "followers at the end of the last day of the week for which they are known",
            "days": "number of days of the week that account_daily has",
            "days_known": "of these, days on which the gain of impressions is known",
            "is_provisional": "one of the days is provisional",
        },
    ),
    "pin_daily_gains": (
        "What each counter of each pin gained on each day. One row per pin, counter and day. Not credible counts "
        "(impossible ones, spikes, dips, dropped zeros) are left out, as in the report. A changed time zone of the "
        "syncs is not marked here.",
        {
            "social_network_id": _ACCOUNT["social_network_id"],
            "id": "the pin; its text and link are in pin_performance",
            "metric": "the counter: impressions, saves, comments, repins or clicks",
            "day": "the day of the gain: the one before the snapshot that shows it",
            "gain": "count; a fraction where it is spread over days, null after a fall and where the counter is "
            "rolling",
            "is_spread": "the pin was not observed for several days, and its gain is divided equally over them",
            "is_fall": "the counter fell, so that the gain is unknown, not zero",
            "is_new": "first observation of a new pin, whose whole count is a gain",
            "is_provisional": "one of the last two days of the account, which Pinterest may still restate",
            "is_unconfirmed": "a rise far above any earlier one of the account, which may still be taken back",
            "fall": "type of the fall: restatement, reset or fall; null where the counter did not fall",
            "counter_type": "what the account's counter counts: lifetime, restated (valid except on that day) or "
            "rolling (a window of days that moves on; it has no gains); null where no pin was seen twice",
        },
    ),
    "pin_performance": (
        "One row per pin with its newest credible counters. If one counter of the newest snapshot is not credible, all "
        "come from the last snapshot without one. Rates are plain quotients; the report also shrinks them toward the "
        "account's mean.",
        {
            **_ACCOUNT,
            "id": "OneUp's id of the pin",
            "text": "the pin's text, as last seen",
            "permalink": "the pin's link, as last seen",
            "format": "the pin's format, as last seen",
            "media_type": "type of the pin's media, as last seen",
            "media_url": "address of the pin's media, as last seen; OneUp lets it expire",
            "published": "when the pin was published, as OneUp sent it; the time zone is not documented",
            "first_seen": "day of the pin's first snapshot",
            "last_seen": "day of the pin's last snapshot",
            "counters_of": "day of the snapshot that the counters come from; they cover the days before it",
            "age_days": "days from the day of publication to counters_of",
            **{name: f"{name}, as counted on counters_of" for name in COUNTERS},
            **{
                f"{name}_rate": f"{name} per impression, at the last snapshot on which both were credible; null "
                f"where there are no impressions, more {name} than impressions, or counters over different windows"
                for name in COUNTERS
                if name != "impressions"
            },
            "is_earlier": "the counters are not those of the newest snapshot",
            "is_unconfirmed": "the newest counters may still be taken back, and there are no earlier ones",
            "counter_type": "what the account's impressions count: lifetime, restated or rolling; null where no pin "
            "was seen twice",
        },
    ),
}

BI_KEYS: Mapping[str, tuple[str, ...]] = {
    "account_daily": ("social_network_id", "day"),
    "account_weekly": ("social_network_id", "week"),
    "pin_daily_gains": ("social_network_id", "id", "metric", "day"),
    "pin_performance": ("social_network_id", "id"),
}
