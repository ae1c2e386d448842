"""What is wrong with a parameter, in words: its name, what is allowed, and what it was."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
"""A JSON schema, as pydantic makes it of a model."""


def problem(error: Mapping[str, Any], schema: Schema) -> str:
    """One line for an item of pydantic's `ValidationError.errors()`."""
    where = ".".join(map(str, error["loc"])) or "(all)"
    if error["type"] == "missing":
        return f"{where}: is missing"
    if error["type"] == "extra_forbidden":
        return f"{where}: {unknown(where, names(schema))}"
    if error["type"] == "value_error":
        text: str = error["msg"].removeprefix("Value error, ")
        return f"{where}: {text}" if error["loc"] else text  # of several sections: it names them
    wanted = values(_at(schema, error["loc"]))
    return f"{where}: must be {wanted}, got {error['input']!r}"


def unknown(name: str, known: Sequence[str]) -> str:
    """What to say of a name that is none of `known`: the nearest of them."""
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"is unknown; did you mean {nearest[0]}?" if nearest else "is unknown"


def names(schema: Schema) -> list[str]:
    """The dotted names of all parameters, sections included."""
    return list(_names(schema, schema, ""))


def of(name: str, schema: Schema) -> str:
    """What the parameter of this dotted name may be: "a whole number from 0 to 1024"."""
    return values(_at(schema, name.split(".")))


def _names(schema: Schema, part: Schema, prefix: str) -> Iterator[str]:
    for name, one in _resolved(schema, part).get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from _names(schema, one, f"{prefix}{name}.")


def _at(schema: Schema, location: Sequence[str | int]) -> Schema:
    """The part of `schema` that describes the value at `location`."""
    part = schema
    for step in location:
        part = _resolved(schema, part)
        part = part["items"] if isinstance(step, int) else part["properties"][step]
    return _resolved(schema, part)


def _resolved(schema: Schema, part: Schema) -> Schema:
    reference = part.get("$ref")
    found: Schema = schema["$defs"][reference.rpartition("/")[2]] if reference else part
    return found


def values(part: Schema) -> str:
    """The values that `part` allows, for people: "a whole number from 0 to 1024"."""
    if "anyOf" in part:
        return " or ".join(values(one) for one in part["anyOf"])
    if "enum" in part:
        return f"one of {', '.join(map(str, part['enum']))}"
    kinds = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
        "object": "a section of parameters",
        "null": "null",
    }
    text = kinds.get(part["type"], "text") + _range(part)
    return text + (f" of the form {part['pattern']}" if "pattern" in part else "")


def _range(part: Schema) -> str:
    low, high, above = (part.get(key) for key in ("minimum", "maximum", "exclusiveMinimum"))
    if above is not None:
        return f" above {above:g}"
    if low is None:
        return ""
    return f" of {low:g} or more" if high is None else f" from {low:g} to {high:g}"
