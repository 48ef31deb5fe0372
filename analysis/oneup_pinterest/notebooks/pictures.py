"""Show the picture of a pin when the pointer is over it in a chart."""

from typing import Any

import altair as alt

from oneup_pinterest.database.pin_images import read_pin_images
from oneup_pinterest.database.place import place_of
from oneup_pinterest.database.reader import Database
from oneup_pinterest.images.pin_images import data_uri
from oneup_pinterest.images.placeholders import NO_IMAGE
from oneup_pinterest.questions.chart_style import Chart, inline

_FIELD = "image"  # Vega's tooltips draw a field of this name as a picture


class StoredPictures:
    """The thumbnails that `report` has kept in a database, for the charts of one account. Nothing is requested.

    Args:
        database: As every function that takes a database.
        account: The `social_network_id` whose pins the charts show.
    """

    def __init__(self, database: Database, account: str) -> None:
        self._path = place_of(database)
        self._account = account

    def added_to(self, chart: Chart) -> Chart:
        """Return a chart whose tooltips also show the pin's picture: of each row that has the `id` of a pin.

        Where no pin of the chart has a stored picture, the chart stays as it is. Where some have, the others get a
        neutral placeholder, because a tooltip without an address would request one.
        """
        data: Any = chart.data  # Altair's classes have no types
        rows: list[dict[str, Any]] = data.to_dict()["values"]
        keys = [(self._account, row["id"]) for row in rows if row.get("id")]
        stored = {pin: image.webp for (_, pin), image in read_pin_images(self._path, keys).items() if image.webp}
        if not stored:
            return chart
        with_pictures: Chart = chart.copy(deep=True)
        webp = {row["id"]: stored.get(row["id"]) for row in rows if row.get("id")}
        with_pictures.data = inline([{**row, _FIELD: _uri(webp.get(row.get("id")))} for row in rows])
        views: list[Any] = with_pictures.layer if isinstance(with_pictures, alt.LayerChart) else [with_pictures]
        for view in views:
            if isinstance(view.encoding.tooltip, list):
                view.encoding.tooltip = [*view.encoding.tooltip, alt.Tooltip(f"{_FIELD}:N")]
        return with_pictures


def _uri(webp: bytes | None) -> str:
    return data_uri(webp) if webp else NO_IMAGE
