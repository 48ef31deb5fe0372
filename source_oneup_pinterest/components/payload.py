"""The parts of a response that the streams read."""

from typing import Any

PINS = "data.posts"
EXPECTED_TYPES: dict[str, tuple[type, ...]] = {
    "data": (list,),
    "data.metrics": (list,),
    "data.stats": (list,),
    PINS: (list,),
    "data.post_performance": (dict, list),
    "data.total_followers": (int, float, str, type(None)),
}


def value_at_path(payload: Any, path: str) -> Any:
    """Return the value at a dotted path, or `...` if the path does not exist."""
    for name in path.split("."):
        if isinstance(payload, dict) and name == "post_performance" and name not in payload:
            name = "posts_performance"  # OneUp sends either name
        if not isinstance(payload, dict) or name not in payload:
            return ...
        payload = payload[name]
    return payload


def json_type_name(value: Any) -> str:
    """Return what a JSON value is, for messages."""
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), "a number")
