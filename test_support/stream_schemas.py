"""The connector's streams as the writer gets them: stream → JSON schema, primary key."""

from oneup_pinterest.sync.manifest import declared_streams

SCHEMAS = declared_streams()
