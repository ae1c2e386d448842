"""The names of all parameters, for the tests that hold other places against them."""

from __future__ import annotations

from collections.abc import Iterator

from backlabel import config, section


def leaves(model: type[section.Section] = config.Params, prefix: str = "") -> Iterator[str]:
    """Dotted names of the parameters below `model`."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, section.Section):
            yield from leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
