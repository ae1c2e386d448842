"""What the sections of `params.yaml` are made of: their base, and types that several share."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

BITS = 1024


def inside(path: str) -> str:
    """`path`, which must lie below the repository. Raises ValueError."""
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts:
        raise ValueError("must be a path below the repository")
    return path


RepoPath = Annotated[str, AfterValidator(inside)]
Bits = Annotated[int, Field(ge=0, le=BITS)]
Share = Annotated[float, Field(ge=0, le=1)]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[str, Field(min_length=1, pattern=r"^[^/\\\x00-\x1f]+$")]


class Section(BaseModel):
    """A part of the parameters: unknown keys and other types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
