"""Vega and Vega-Lite as they are shipped (`static/LICENSES.txt`), for pages without a network."""

from __future__ import annotations

from pathlib import Path

_STATIC = Path(__file__).parent / "static"
_SCRIPTS = ("vega.min.js", "vega-lite.min.js")


def scripts() -> list[str]:
    """The text of each, in the order in which a page needs them; fit for a script element."""
    texts = [(_STATIC / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    assert not any("</script" in text.lower() for text in texts)
    return texts
