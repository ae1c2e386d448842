"""The page and what it asks for, as a Starlette application."""

from __future__ import annotations

import gc
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from backlabel import config
from backlabel.errors import BacklabelError, DataError, UnreadableImageError
from backlabel.limits import read_limits
from backlabel.review import deciding, desk, outstanding, told
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.review.desk import Desk, Pair, Wanted
from backlabel.review.guard import Guard
from backlabel.review.pictures import VIEWS, Request
from backlabel.review.studio import Studio
from backlabel.storage import names
from backlabel.storage.rows import Choice, Verdict

_SIDE, _THUMB_SIDE = 2048, 160  # pixels
_SAMPLES = 12  # shown of what a bulk decision is about
_SHOWN_STEPS = 200
_STATIC = Path(__file__).parent / "static"

Asked = dict[str, Any]
Answer = Callable[[HttpRequest, Asked], Any]


class Page:
    """What the requests share: the tables, the decisions, and who decides."""

    def __init__(self, params: config.Params, book: Book, studio: Studio, who: str) -> None:
        self.params, self.book, self.studio, self.who = params, book, studio, who
        read = params.read
        self.limits = read_limits(read)
        self._guard = threading.Lock()
        self._stamp: list[int] = []
        self._desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """The tables, read again where a stage has written them meanwhile."""
        with self._guard:
            stamp = [
                status.st_mtime_ns for path in desk.sources(self.params) if (status := _stat(path))
            ]
            if self._desk is None or stamp != self._stamp:
                self._desk, self._stamp = desk.load(self.params), stamp
                gc.freeze()  # to look for garbage among all rows takes a tenth of a second
            return self._desk

    def pair(self, known: Desk, identity: object) -> Pair:
        """The pair with an id. Raises DataError where there is none."""
        pair = known.by_id.get(identity) if isinstance(identity, str) else None
        if pair is None:
            raise DataError("This pair is not there any more: load the page again.")
        return pair

    def about(self, _: HttpRequest, __: Asked) -> Any:
        """What the page needs once."""
        known = self.desk
        return {
            "who": self.who,
            "verdicts": [
                *(one.value for one in Verdict if one is not Verdict.UNREADABLE),
                desk.UNMATCHED,
            ],
            "categories": known.categories,
            "folders": [names.to_cell(folder) for folder in known.folders()],
            "reasons": self.book.reasons(),
        }

    def queue(self, request: HttpRequest, _: Asked) -> Any:
        """The ids of the pairs that the filter asks for.

        A page that does not know the pairs of these tables is told of all of them: of ten thousand
        this takes a moment, and a filter shall not.
        """
        known = self.desk
        self.book.refresh()
        asked = request.query_params
        chosen = known.chosen(_wanted(dict(asked)), self.book)
        answer = self._changed(known, _version(asked)) | {"ids": [pair.id for pair, _ in chosen]}
        if asked.get("tables") != known.name:
            answer["lines"] = [told.brief(known, pair) for pair in known.pairs]
            states = known.states(self.book)
            answer["changed"] = [one for one in states.items() if one[1] != desk.OPEN]
        return answer

    def one(self, request: HttpRequest, _: Asked) -> Any:
        """All about one pair."""
        known = self.desk
        pair = self.pair(known, request.path_params["id"])
        return told.whole(known, self.book, pair)

    def metadata(self, request: HttpRequest, _: Asked) -> Any:
        """How the TIFF of a pair was taken."""
        pair = self.pair(self.desk, request.path_params["id"])
        return told.metadata(self.studio.taken(pair.row.key, self.limits))

    def changes(self, request: HttpRequest, _: Asked) -> Any:
        """What was decided elsewhere since a version, and what is left."""
        self.book.refresh()
        return self._changed(self.desk, _version(request.query_params))

    def decide(self, _: HttpRequest, asked: Asked) -> Any:
        """One decision."""
        known = self.desk
        pair = self.pair(known, asked.get("id"))
        since = self.book.version
        made = deciding.decision(known, pair, _wish(asked), self.who)
        self.book.decide([made], _text(asked, "tab"))
        return self._changed(known, since)

    def undo(self, _: HttpRequest, asked: Asked) -> Any:
        """Take the tab's last action back."""
        since = self.book.version
        undone = self.book.undo(_text(asked, "tab"))
        known = self.desk
        ids = [pair.id for path in undone for pair in known.pages.get(path, [])]
        return self._changed(known, since) | {"undone": ids}

    def preview(self, _: HttpRequest, asked: Asked) -> Any:
        """What a decision on all of a filter would be about."""
        known, pairs = self._bulk(asked)
        step = max(1, len(pairs) // _SAMPLES)
        return {
            "count": len(pairs),
            "verdicts": Counter(pair.row.verdict.value for pair in pairs),
            "digest": deciding.digest(pairs),
            "samples": [told.brief(known, pair) for pair in pairs[::step][:_SAMPLES]],
        }

    def bulk(self, _: HttpRequest, asked: Asked) -> Any:
        """The decision that `preview` showed, on the same pairs or on none."""
        known, pairs = self._bulk(asked)
        if deciding.digest(pairs) != asked.get("digest"):
            raise DataError("Meanwhile it would be about other pairs: look at the preview again.")
        wish = _wish(asked)
        made = [deciding.decision(known, pair, wish, self.who) for pair in pairs]
        self.book.decide(made, _text(asked, "tab"))
        return {"count": len(made)}  # the page asks for its list anew

    def pending(self, _: HttpRequest, __: Asked) -> Any:
        """What the label stage would change."""
        self.book.refresh()
        steps = outstanding.steps(self.desk, self.book)
        shown = [[names.to_cell(one.path), one.what] for one in steps[:_SHOWN_STEPS]]
        return {"count": len(steps), "steps": shown}

    def picture(self, request: HttpRequest) -> Response:
        """One picture of a pair."""
        known = self.desk
        asked = request.path_params
        kind = next((one for one in VIEWS if one == asked["view"]), None)
        pair = known.by_id.get(asked["id"])
        if pair is None or kind is None or asked["nth"] >= max(1, len(known.copies(pair))):
            return _failed("There is no such picture.", 404)
        subject = told.subject(known, pair, asked["nth"])
        side = _THUMB_SIDE if kind == "thumb" else _SIDE
        try:
            content = self.studio.png(Request(subject, kind, side, self.limits))
        except UnreadableImageError as error:
            return _failed(str(error), 422)
        # The address says nothing of the file's contents, so the picture may become another.
        headers = {"Cache-Control": "private, max-age=60"}
        return Response(content, media_type="image/png", headers=headers)

    def _bulk(self, asked: Asked) -> tuple[Desk, list[Pair]]:
        """Undecided pairs of the filter on which this decision can be made."""
        known = self.desk
        self.book.refresh()
        wish = _wish(asked)
        found = known.chosen(_wanted(asked.get("filter", {})), self.book)
        return known, [
            pair
            for pair, state in found
            if state == desk.OPEN
            and (wish.choice is Choice.REJECT or pair.row.JPEG_path in known.jpegs)
        ]

    def _changed(self, known: Desk, since: int) -> dict[str, Any]:
        version = self.book.version  # first: what is decided meanwhile is told again
        changed = self.book.changed_since(since)
        states = known.states(self.book)
        pairs = [pair for path in changed for pair in known.pages.get(path, [])]
        return {
            "tables": known.name,
            "changed": [[pair.id, states[pair.id]] for pair in pairs],
            "counts": known.counts(self.book),
            "version": version,
        }


def make(page: Page, *, token: str, port: int) -> Starlette:
    """The application, guarded."""
    reading: dict[str, Answer] = {
        "/api/about": page.about,
        "/api/queue": page.queue,
        "/api/pair/{id}": page.one,
        "/api/metadata/{id}": page.metadata,
        "/api/changes": page.changes,
        "/api/pending": page.pending,
    }
    writing: dict[str, Answer] = {
        "/api/decide": page.decide,
        "/api/undo": page.undo,
        "/api/preview": page.preview,
        "/api/bulk": page.bulk,
    }
    templates = Environment(loader=PackageLoader("backlabel.review"), autoescape=True)
    html = templates.get_template("page.html").render(who=page.who)
    return Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse(html, headers={"Cache-Control": "no-store"})),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/image/{id}/{nth:int}/{view}", page.picture),
            *(Route(path, _endpoint(answer), methods=["GET"]) for path, answer in reading.items()),
            *(Route(path, _endpoint(answer), methods=["POST"]) for path, answer in writing.items()),
        ],
        middleware=[Middleware(Guard, token=token, port=port)],
    )


def _endpoint(answer: Answer) -> Callable[[HttpRequest], Any]:
    async def handle(request: HttpRequest) -> Response:
        asked: Any = {}
        try:
            if request.method == "POST":
                asked = json.loads(await request.body())
        except ValueError:  # no JSON, or no UTF-8
            return _failed("JSON is expected.", 400)
        if not isinstance(asked, dict):
            return _failed("A JSON object is expected.", 400)
        try:
            told_back = await run_in_threadpool(answer, request, asked)
        except BacklabelError as error:
            return _failed(str(error), 409)
        return JSONResponse(told_back, headers={"Cache-Control": "no-store"})

    return handle


def _failed(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status, headers={"Cache-Control": "no-store"})


def _wanted(asked: Any) -> Wanted:
    if not isinstance(asked, dict):
        raise DataError("A filter is expected.")
    return Wanted(
        state=_text(asked, "state"),
        verdict=_text(asked, "verdict"),
        category=_text(asked, "category"),
        folder=_path(_text(asked, "folder")),
        text=_text(asked, "text"),
        least=_number(asked.get("least")),
        most=_number(asked.get("most")),
    )


def _path(cell: str) -> str:
    try:
        return names.from_cell(cell)
    except ValueError as error:
        raise DataError(f"{cell!r} is no path.") from error


def _wish(asked: Asked) -> Wish:
    choice = asked.get("decision")
    if choice not in list(Choice):
        raise DataError(f"A decision is one of {', '.join(Choice)}.")
    label = _text(asked, "label") or None
    jpeg = _path(_text(asked, "jpeg")) or None
    return Wish(Choice(choice), label, _text(asked, "why"), jpeg)


def _text(asked: Asked, name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise DataError(f"{name}: a text is expected.")
    return value


def _version(asked: Mapping[str, str]) -> int:
    since = asked.get("since", "")
    return int(since) if since.isdecimal() else 0


def _number(value: object) -> float | None:
    if value in (None, ""):
        return None
    try:
        return float(str(value))
    except ValueError as error:
        raise DataError(f"{value!r} is no number.") from error


def _stat(path: Path) -> Any:
    return path.stat() if path.exists() else None
