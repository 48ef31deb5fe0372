"""Hold everything known about one account: the loaded frames, and what is derived from them, computed once."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property

import duckdb
import polars as pl

from oneup_pinterest.database.accounts import Accounts, account_ids
from oneup_pinterest.database.reader import Database, open_history, read_newest_periods, read_relation
from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.accounts import account_names, accounts_by_pins
from oneup_pinterest.history.by_age import counters_at_age, counters_by_age
from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.first_week import first_week_outcomes
from oneup_pinterest.history.gains import account_daily_gains, daily_gains
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS, Observations, consecutive_observations

_RELATIONS = {
    "pins": "pins",
    "overview": "overview_metrics",
    "followers": "account_followers",
    "pin_totals": "pin_totals",
    "accounts": "accounts",
}


class AccountHistory(LoadedHistory):
    """The history of one account, which every statistic and every answer takes.

    The frames have rows of this account only. Derived frames are computed at the first use and kept.

    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": date(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1), date(2026, 3, 2)], "saves": [10, 13],
    ... })
    >>> history = AccountHistory.from_pins(pins)
    >>> history.social_network_id, history.account_gains["gain"].to_list()
    ('pin_a', [3.0])
    """

    def __init__(
        self,
        social_network_id: str,
        pins: pl.DataFrame,
        *,
        pins_latest: pl.DataFrame | None = None,
        overview: pl.DataFrame | None = None,
        followers: pl.DataFrame | None = None,
        pin_totals: pl.DataFrame | None = None,
        post_performance: pl.DataFrame | None = None,
        accounts: pl.DataFrame | None = None,
    ) -> None:
        super().__init__(
            pins,
            pins_latest=pins_latest,
            overview=overview,
            followers=followers,
            pin_totals=pin_totals,
            post_performance=post_performance,
            accounts=accounts,
        )
        self.social_network_id = social_network_id

    @classmethod
    def from_pins(
        cls, pins: pl.DataFrame, *, followers: pl.DataFrame | None = None, overview: pl.DataFrame | None = None
    ) -> "AccountHistory":
        """Return the history of the one account that these frames of `load_pins` and the like belong to.

        Raises:
            ValueError: the rows are of several accounts.
        """
        frames = [frame for frame in (pins, followers, overview) if frame is not None and frame.height]
        ids = list(dict.fromkeys(account for frame in frames for account in frame["social_network_id"].unique()))
        if len(ids) > 1:
            raise ValueError(f"an AccountHistory is of one account, and these rows are of {len(ids)}")
        return cls(str(ids[0]) if ids else "none", pins, followers=followers, overview=overview)

    @property
    def name(self) -> str | None:
        """The account's name for people, or None."""
        return account_names(self.accounts).get(self.social_network_id)

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics whose columns the pins have."""
        return tuple(metric for metric in METRICS if metric in self.pins.columns)

    @property
    def latest_pins(self) -> pl.DataFrame:
        """The newest row of each pin; see `history.latest.latest_pins`."""
        return latest_pins(self)

    @cached_property
    def observations(self) -> Observations:
        """Each observation paired with the one before it; see `history.observations.consecutive_observations`."""
        return consecutive_observations(self, self.metrics)

    @cached_property
    def counter_types(self) -> pl.DataFrame:
        """The type of each counter; see `history.counter_types.counter_types`."""
        return counter_types(self, self.metrics)

    def counter_type(self, metric: str) -> str | None:
        """Return the counter type of a metric: lifetime, rolling or restated; None where no pin was seen twice."""
        return counter_types(self, [metric])["counter_type"].first()  # type: ignore[return-value]

    def daily_gains(self, metrics: Sequence[str] | None = None, since: date | None = None) -> pl.DataFrame:
        """Return gains (counts) per pin and day; see `history.gains.daily_gains`. The large frame is not kept."""
        return daily_gains(self, metrics or self.metrics, since)

    @cached_property
    def account_gains(self) -> pl.DataFrame:
        """Gains (counts) of all pins together, per metric and day; see `history.gains.account_daily_gains`."""
        return account_daily_gains(self, self.metrics)

    def counters_by_age(self, metrics: Sequence[str] | None = None) -> pl.DataFrame:
        """Return counters by the age of each pin; see `history.by_age.counters_by_age`."""
        return counters_by_age(self, metrics or self.metrics)

    def counters_at_age(self, age: int, metrics: Sequence[str] | None = None) -> pl.DataFrame:
        """Return counters at one age (days); see `history.by_age.counters_at_age`."""
        return counters_at_age(self, age, metrics or self.metrics)

    def first_week(
        self, metric: str = "saves", *, published_zone: str = "UTC", display_zone: str = "UTC"
    ) -> pl.DataFrame:
        """Return the count of each pin after its first week; see `history.first_week.first_week_outcomes`."""
        return first_week_outcomes(self, metric, published_zone=published_zone, display_zone=display_zone)


def load_account_history(
    database: Database, account: str, since: date | None = None, until: date | None = None
) -> AccountHistory:
    """Load everything about one account, given by `social_network_id` or `@username`.

    `since` and `until` are the first and last day, as in every `load_*` function.

    Raises:
        UserError: as `open_history`, or the file does not know the account.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> load_account_history(database, "pin_a").social_network_id
    'pin_a'
    """
    with open_history(database) as history:
        ids = account_ids(history, account) or [account]
        frames = {field: read_relation(history, relation, ids, since, until) for field, relation in _RELATIONS.items()}
        return AccountHistory(ids[0], **frames, post_performance=read_newest_lists(history, ids, since, until))


def read_newest_lists(
    history: duckdb.DuckDBPyConnection,
    accounts: Accounts = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.DataFrame:
    """Return OneUp's newest lists of pins per account and preset, without `item`, from an open history.

    The parameters are those of `database.reader.read_relation`.

    >>> import tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> with open_history(database) as history:
    ...     read_newest_lists(history).height
    0
    """
    columns = [name for name in TABLES["post_performance"].columns if name != "item"]
    return read_newest_periods(history, "post_performance", accounts, since, until, columns)


def load_account_histories(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> Iterator[AccountHistory]:
    """Iterate over the accounts of a file, the one with most pins first. Only one is in memory at a time.

    The parameters are those of every `load_*` function.

    Raises:
        UserError: as `open_history`, or the file does not know an account.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> [history.social_network_id for history in load_account_histories(database)]
    ['pin_a']
    """
    relations = ("pins_latest", "overview_metrics", "account_followers", "accounts")
    with open_history(database) as history:
        ids = account_ids(history, accounts)
        found = [read_relation(history, name, columns=["social_network_id"]) for name in relations]
    known = accounts_by_pins(*found)
    for account in known if ids is None else [account for account in known if account in ids]:
        yield load_account_history(database, account, since, until)
