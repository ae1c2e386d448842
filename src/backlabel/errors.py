"""The errors that backlabel raises. Each text names the thing, what is wrong and what to do."""

from __future__ import annotations


class BacklabelError(Exception):
    """Base of all errors that a user can act on; the command line prints its text alone."""


class ConfigError(BacklabelError):
    """A parameter is unknown, missing, mistyped, out of range or contradicts another."""


class DataError(BacklabelError):
    """The images on disk are not what the pipeline needs: a folder is missing or empty."""


class SchemeError(DataError):
    """A JPEG's prefix, its folder and the chosen label scheme disagree."""


class TableError(BacklabelError):
    """A table of an earlier stage is missing, torn, or has other columns than expected."""


class UnreadableImageError(BacklabelError):
    """One image cannot be read.

    `reason` is a short stable word for tables and counts (for instance "truncated"), `detail`
    one sentence for people, `path` the file that was opened, where it was one.
    """

    def __init__(self, reason: str, detail: str, path: str | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.path = path

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class WorkerError(BacklabelError):
    """Worker processes cannot be started, or end before they begin."""


class OutputError(BacklabelError):
    """An output cannot be written, or something foreign stands where it would go."""


class UnsupportedSystemError(BacklabelError):
    """The operating system is not Linux."""
