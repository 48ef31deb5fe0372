"""Neutral pictures for pins without one, as data URIs: readable in light and in dark."""

import base64


def _svg(shape: str) -> str:
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="107" height="160" viewBox="0 0 107 160">'
        f'<rect width="107" height="160" fill="#9aa0a6" fill-opacity=".25"/><g fill="#80868b">{shape}</g></svg>'
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"


NO_IMAGE = _svg('<circle cx="39" cy="66" r="8"/><path d="M23 104l22-24 14 14 10-10 16 20z"/>')
VIDEO = _svg('<path d="M40 58v44l36-22z"/>')
