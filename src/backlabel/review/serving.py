"""`backlabel review`: the page on loopback, until it is ended."""

from __future__ import annotations

import gc
import secrets
import socket
import sys
import webbrowser

import uvicorn

from backlabel import config, git
from backlabel.errors import ConfigError
from backlabel.review import app, subject
from backlabel.review.book import Book
from backlabel.review.guard import NAMES
from backlabel.review.studio import WORKERS_IMPORT, Studio
from backlabel.storage.paths import DECISIONS
from backlabel.workers import forking

_GARBAGE_AFTER = 100_000  # new objects: a decision on all of ten thousand pairs makes as many
_PATIENCE_S = 2  # for requests under way when the server is ended


def serve(params: config.Params, *, port: int, who: str | None) -> int:
    """Serve the page until it is ended; returns the exit status.

    `port` 0 takes one that is free. Raises ConfigError where the port is in use or nobody knows
    who decides, TableError where there is nothing to decide on yet.
    """
    name = (who or git.user()).strip()
    if not name:
        raise ConfigError(
            "Who decides is written beside each decision, and Git knows no name: set it by "
            '`git config user.name "..."`, or give `--who`.'
        )
    forking.preload(WORKERS_IMPORT)
    gc.set_threshold(_GARBAGE_AFTER)
    read = params.read
    studio = Studio(
        subject.kept(),
        max_seconds=read.max_seconds,
        max_memory_mib=read.max_memory_mib,
    )
    page = app.Page(params, Book(), studio, name)
    pairs = len(page.desk.pairs)
    token = secrets.token_urlsafe(24)
    with listening(port) as listener:
        chosen = listener.getsockname()[1]
        made = app.make(page, token=token, port=chosen)
        url = f"http://{NAMES[0]}:{chosen}/?token={token}"
        sys.stdout.write(f"{pairs} pairs to look at as {name}: {url}\nCtrl-C ends the server.\n")
        sys.stdout.flush()
        if sys.stdout.isatty():
            webbrowser.open(url)
        try:
            _run(made, listener)
        except KeyboardInterrupt:  # how it is ended
            sys.stdout.write(f"What was decided is in {DECISIONS}; `dvc repro label` applies it.\n")
        finally:
            studio.close()
    return 0


def _run(made: object, listener: socket.socket) -> None:
    settings = uvicorn.Config(
        made,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    uvicorn.Server(settings).run(sockets=[listener])


def listening(port: int) -> socket.socket:
    """A socket on loopback; 0 takes a free port. Raises ConfigError where `port` is in use."""
    # With the protocol named asyncio sends small answers at once, else each waits for the
    # acknowledgement of its own head, which the browser delays by 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((NAMES[0], port))
        listener.listen()  # before the address is told: who opens it at once has to wait, no more
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"port {port} of {NAMES[0]} cannot be used ({error}). Another review may be running; "
            "leave --port out, and a free one is taken."
        ) from error
    return listener
