"""What every sync in this process computes again, computed once: the manifest and the sandbox's made-up pins.

That is half of the time of a first sync. Processes that tests start compute both as ever.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pytest
from airbyte_cdk.sources.declarative import concurrent_declarative_source
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource

from oneup_pinterest.sandbox import world

MAX_HISTORIES = 100  # accounts; each has thousands of pins


@contextmanager
def computed_once() -> Iterator[None]:
    """Keep prepared manifests and the pins of sandboxes until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        _prepare_manifests_once(patch)
        # a history follows from the seed and the account, and only its own caches change
        patch.setattr(world, "_History", lru_cache(MAX_HISTORIES)(world._History))
        yield


def _prepare_manifests_once(patch: pytest.MonkeyPatch) -> None:
    """Parse, resolve and validate a manifest only if no equal one was; each source gets a copy of its own."""
    schema = concurrent_declarative_source.get_declarative_component_schema()
    validate = concurrent_declarative_source.validate_manifest
    valid: list[Mapping[str, Any]] = []

    def validate_once(manifest: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
        if manifest not in valid:
            validate(manifest, schema)
            valid.append(pickle.loads(pickle.dumps(manifest)))

    resolve_once = _with_copies(ConcurrentDeclarativeSource._pre_process_manifest, first=1)  # it reads nothing of self
    patch.setattr(concurrent_declarative_source, "get_declarative_component_schema", lambda: schema)
    patch.setattr(concurrent_declarative_source, "validate_manifest", validate_once)
    patch.setattr(YamlDeclarativeSource, "_parse", staticmethod(_with_copies(YamlDeclarativeSource._parse)))
    patch.setattr(ConcurrentDeclarativeSource, "_pre_process_manifest", resolve_once)


def _with_copies(function: Callable[..., Any], first: int = 0) -> Callable[..., Any]:
    """Return a function that returns a copy of its earlier result if the arguments from `first` on are equal."""
    results: list[tuple[Any, bytes]] = []

    def copying(*arguments: Any) -> Any:
        compared = arguments[first:]
        for earlier, result in results:
            if earlier == compared:
                return pickle.loads(result)  # several times faster than `copy.deepcopy`
        given = pickle.loads(pickle.dumps(compared))  # before the function changes them
        results.append((given, pickle.dumps(function(*arguments))))
        return pickle.loads(results[-1][1])

    return copying
