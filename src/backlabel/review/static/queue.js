// The list of pairs: of ten thousand, only those in sight are in the page.
"use strict";

const ROW_HEIGHT = 52;
const [ID, NAME, VERDICT, SLACK, CATEGORY] = [0, 1, 2, 3, 4];
const STATES = {
  open: "", again: "asked again", accept: "accepted", reject: "rejected", relabel: "relabelled",
};

const SPARE_AT_ONCE = 2; // of the six connections that a browser has: questions and the pair's
// own pictures never wait for small or future ones
const THUMBS_KEPT = 400;

// Of other tables the same pair may have another JPEG: a picture of the old one must not be shown.
function address(id, nth, view) {
  return `/image/${id}/${nth}/${view}?${tables}`;
}

// Pictures that can wait: the newest first, and none that is not wanted any more.
class Spare {
  constructor() {
    this.waiting = [];
    this.running = 0;
  }

  load(image, src, wanted) {
    this.waiting.push({ image, src, wanted });
    setTimeout(() => this.next());
  }

  next() {
    while (this.running < SPARE_AT_ONCE && this.waiting.length) {
      const { image, src, wanted } = this.waiting.pop();
      if (!wanted()) continue;
      this.running += 1;
      const done = () => { this.running -= 1; this.next(); };
      image.addEventListener("load", done, { once: true });
      image.addEventListener("error", done, { once: true });
      image.src = src;
    }
  }
}

class Queue {
  constructor(chosen) {
    this.list = document.getElementById("list");
    this.rows = document.getElementById("rows");
    this.chosen = chosen;
    this.known = new Map(); // lines of all pairs by id
    this.states = new Map(); // of those that are not open
    this.lines = []; // those that the filter asks for
    this.places = new Map();
    this.at = -1;
    this.skipped = new Set();
    this.spare = new Spare();
    this.thumbs = new Map();
    this.list.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.list);
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) this.chosen(Number(row.dataset.at));
    });
  }

  learn(lines) {
    this.known = new Map(lines.map((line) => [line[ID], line]));
    this.states.clear();
  }

  fill(ids) {
    this.lines = ids.map((id) => this.known.get(id));
    this.places = new Map(ids.map((id, i) => [id, i]));
    this.at = -1;
    this.rows.style.height = `${ids.length * ROW_HEIGHT}px`;
  }

  current() {
    return this.lines[this.at];
  }

  select(at) {
    this.at = at;
    const top = at * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + ROW_HEIGHT > scrollTop + clientHeight) {
      this.list.scrollTop = top + ROW_HEIGHT - clientHeight;
    }
    this.draw();
  }

  setState(id, state) {
    this.states.set(id, state);
  }

  state(id) {
    return this.states.get(id) || "open";
  }

  // The next pair after the chosen one that waits for a decision, from the top again at the end.
  nextOpen() {
    for (let step = 1; step <= this.lines.length; step += 1) {
      const at = (this.at + step) % this.lines.length;
      const line = this.lines[at];
      if (["open", "again"].includes(this.state(line[ID])) && !this.skipped.has(line[ID])) return at;
    }
    return -1;
  }

  draw() {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW_HEIGHT) - 4);
    const count = Math.ceil(this.list.clientHeight / ROW_HEIGHT) + 8;
    this.rows.replaceChildren(
      ...this.lines.slice(first, first + count).map((line, i) => this.row(line, first + i)));
    const selected = this.rows.querySelector('[aria-selected="true"]');
    if (selected) this.list.setAttribute("aria-activedescendant", selected.id);
    else this.list.removeAttribute("aria-activedescendant");
  }

  row(line, at) {
    const row = element("div", undefined, "row");
    row.id = `row-${line[ID]}`;
    row.dataset.at = at;
    row.style.top = `${at * ROW_HEIGHT}px`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(at === this.at));
    row.setAttribute("aria-setsize", this.lines.length);
    row.setAttribute("aria-posinset", at + 1);
    const text = document.createElement("div");
    const margin = line[SLACK] === null ? "" : `, ${line[SLACK] < 0 ? "−" : "+"}${Math.abs(line[SLACK])}`;
    const state = this.state(line[ID]);
    const told = STATES[state] || (this.skipped.has(line[ID]) ? "skipped" : "");
    text.append(
      element("b", line[NAME]), element("small", told && `${told}: `, state),
      element("small", `${line[VERDICT]}${margin} ${line[CATEGORY]}`));
    row.append(this.thumb(line[ID]), text);
    return row;
  }

  // Kept while it may come into sight again, so that a line that is drawn anew does not blink.
  thumb(id) {
    const kept = this.thumbs.get(id);
    if (kept && kept.getAttribute("src")) return kept;
    const image = element("img");
    image.alt = "";
    this.thumbs.set(id, image);
    if (this.thumbs.size > THUMBS_KEPT) this.thumbs.delete(this.thumbs.keys().next().value);
    this.spare.load(image, address(id, 0, "thumb"), () => image.isConnected);
    return image;
  }

  // The pictures of the pairs that come next.
  prefetch() {
    for (const line of this.lines.slice(this.at + 1, this.at + 3).reverse()) {
      const near = () => Math.abs(this.places.get(line[ID]) - this.at) < 3;
      for (const view of ["jpeg", "tiff"]) {
        this.spare.load(new Image(), address(line[ID], 0, view), near);
      }
    }
  }
}
