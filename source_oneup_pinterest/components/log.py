"""The logger of the connector."""

import logging

LOGGER = logging.getLogger("airbyte.oneup_pinterest")
