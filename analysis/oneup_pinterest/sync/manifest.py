"""The streams as the manifest declares them, read without the CDK, whose import takes a second."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import source_oneup_pinterest

MANIFEST = Path(source_oneup_pinterest.__file__).with_name("manifest.yaml")


def declared_streams() -> dict[str, tuple[Mapping[str, Any], list[str]]]:
    """Return the JSON schema and primary key of each stream, in the order of the manifest.

    >>> list(declared_streams())[:2], declared_streams()["accounts"][1]
    (['overview_metrics', 'pins'], ['social_network_id'])
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    manifest = yaml.load(MANIFEST.read_text(encoding="utf-8"), loader)  # noqa: S506 - both loaders are safe
    names = [stream["$ref"].rsplit("/", 1)[-1] for stream in manifest["streams"]]
    return {name: (manifest["schemas"][name], manifest["definitions"][name]["primary_key"]) for name in names}
