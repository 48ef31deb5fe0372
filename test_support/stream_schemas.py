"""The JSON schema and primary key of each stream, as the writer takes them."""

from oneup_pinterest.sync.manifest import declared_streams

SCHEMAS = declared_streams()
