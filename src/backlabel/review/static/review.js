// The page: what was asked for, what is decided, and what the keys do.
"use strict";

const at = (id) => document.getElementById(id);
const viewer = new Viewer();
const queue = new Queue((place) => exclusively(() => open(place)));
const tab = sessionStorage.getItem("tab") || crypto.randomUUID();
sessionStorage.setItem("tab", tab);
const POLL_MS = 2000;
let pair = null;
let version = 0; // of the decisions, and which tables they are on
let tables = "";
let categories = {};
let preview = null;
let waiting = 0; // actions under way
let chain = Promise.resolve();
let settled = Promise.resolve(); // until a decision on many pairs is made

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer: nothing was decided. Start `backlabel review` again.");
  }
  if (answer.ok) return answer.json();
  const text = await answer.text();
  let said = text;
  try { said = JSON.parse(text).error; } catch { /* plain text */ }
  throw new Error(said);
}

function plural(count, name) {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

function fail(error) {
  at("error").textContent = error.message;
}

function say(text) {
  at("error").textContent = "";
  at("said").textContent = text;
}

function filter() {
  return Object.fromEntries(new FormData(at("filter")));
}

function showCounts(counts) {
  const again = counts.again ? `, ${counts.again} asked again` : "";
  at("counts").textContent = `${counts.look} to look at${again}; ` +
    `${counts.open || 0} of ${counts.all} undecided`;
}

async function load(wantedId) {
  const asked = filter();
  sessionStorage.setItem("filter", JSON.stringify(asked));
  const known = { ...asked, tables, since: version };
  const found = await ask(`/api/queue?${new URLSearchParams(known)}`);
  if (found.lines) queue.learn(found.lines);
  tables = found.tables;
  queue.fill(found.ids);
  take(found);
  at("shown").textContent = `${plural(found.ids.length, "pair")} in this list`;
  const place = queue.places.get(wantedId);
  await open(place === undefined ? 0 : place);
}

async function open(place) {
  if (!queue.lines.length) {
    pair = null;
    document.body.dataset.pair = "";
    at("verdict").textContent = "Nothing is left in this list.";
    for (const id of ["which", "reason", "again", "decided", "name-tiff", "name-jpeg"]) at(id).textContent = "";
    at("bars").replaceChildren();
    return;
  }
  queue.select(Math.min(Math.max(place, 0), queue.lines.length - 1));
  const id = queue.current()[ID];
  viewer.show(id);
  history.replaceState(null, "", `#${id}`);
  at("why").value = "";
  await refresh(id);
  showMetadata(id).catch(fail);
  queue.prefetch();
}

async function refresh(id) {
  const found = await ask(`/api/pair/${id}`);
  if (queue.current()[ID] !== id) return; // another was chosen meanwhile
  pair = found;
  if (viewer.nth >= pair.jpegs.length) viewer.nth = 0;
  viewer.show(id);
  show();
}

async function showMetadata(id) {
  at("metadata").replaceChildren();
  const lines = await ask(`/api/metadata/${id}`);
  if (!pair || pair.id !== id) return;
  const cells = lines.flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  at("metadata").replaceChildren(...(cells.length ? cells : [element("dd", "The file does not say.")]));
}

function sized(size) {
  return size ? ` (${size[0]} × ${size[1]})` : "";
}

function show() {
  const jpeg = shownJpeg();
  const rank = rankName(viewer.nth);
  at("which").textContent = `${queue.at + 1} of ${queue.lines.length}: ${queue.current()[NAME]}`;
  at("verdict").textContent = pair.verdict;
  at("reason").textContent = pair.reason +
    (pair.variant && pair.variant !== "identity" ? ` Found as: ${pair.variant}.` : "");
  at("again").textContent = pair.again;
  drawBars(at("bars"), pair.bars);
  at("name-tiff").textContent = `TIFF ${pair.tiff}${sized(pair.tiff_size)}` +
    (viewer.matched ? ", with the JPEG's histogram" : "");
  at("name-jpeg").textContent = jpeg
    ? `${rank} ${jpeg.path}${sized(jpeg.size)}: ${jpeg.label} ${jpeg.category}` : "no JPEG";
  at("image-tiff").alt = `The TIFF ${pair.tiff}`;
  at("image-jpeg").alt = jpeg ? `${rank} ${jpeg.path}` : "no JPEG";
  at("image-jpeg").hidden = !jpeg;
  at("runner-up").disabled = pair.jpegs.length < 2;
  at("runner-up").setAttribute("aria-pressed", String(viewer.nth > 0));
  at("matched").setAttribute("aria-pressed", String(viewer.matched));
  at("accept").disabled = at("relabel").disabled = !jpeg;
  at("decided").textContent = pair.decisions.map((one) =>
    `Decided: ${one.decision}${one.label ? ` as ${one.label}` : ""} by ${one.who}` +
    (one.why ? `: ${one.why}` : "")).join(" ");
  showJpegs();
  showRelated();
  document.body.dataset.pair = pair.id;
  document.body.dataset.state = pair.state;
}

function take(answer) {
  version = answer.version;
  for (const [id, state] of answer.changed) queue.setState(id, state);
  showCounts(answer.counts);
  queue.draw();
}

// One after the other: a key that is pressed while the next pair is on its way waits for it.
function exclusively(work) {
  waiting += 1;
  document.body.dataset.busy = "yes";
  chain = chain.then(work).catch(fail).finally(() => {
    waiting -= 1;
    if (!waiting) document.body.dataset.busy = "";
  });
  return chain;
}

function decide(asked, goOn = true) {
  return exclusively(async () => {
    if (!pair) return;
    const jpeg = shownJpeg()?.path; // what is decided is what is seen
    const whole = { id: pair.id, jpeg, why: at("why").value, tab, ...asked };
    await settled;
    const answer = await ask("/api/decide", whole);
    take(answer);
    remember(whole.why);
    const rest = answer.counts.look ? "" : ". Nothing that needs a look is left";
    const name = queue.known.get(whole.id)?.[NAME] || "";
    say(`${STATES[asked.decision]}: ${name}; dvc repro label applies it${rest}`);
    if (goOn) await goToOpen();
    else await refresh(pair.id);
  });
}

async function goToOpen() {
  const place = queue.nextOpen();
  if (place >= 0) await open(place);
  else {
    await refresh(queue.current()[ID]);
    say("Nothing is left to be decided in this list.");
  }
}

function remember(why) {
  if (!why || [...at("reasons").options].some((one) => one.value === why)) return;
  const option = document.createElement("option");
  option.value = why;
  at("reasons").prepend(option);
}

const actions = {
  accept: () => pair && !at("accept").disabled && decide({ decision: "accept" }),
  reject: () => decide({ decision: "reject" }),
  relabel: () => {
    if (!pair || at("relabel").disabled) return;
    at("relabel-why").value = at("why").value;
    at("relabel-dialog").returnValue = "";
    at("relabel-dialog").showModal();
    at("relabel-label").focus();
  },
  skip: () => exclusively(async () => {
    if (!pair) return;
    queue.skipped.add(pair.id);
    await goToOpen();
  }),
  undo: () => exclusively(async () => {
    await settled;
    const answer = await ask("/api/undo", { tab });
    take(answer);
    const first = answer.undone.find((id) => queue.places.has(id));
    say(answer.undone.length ? `${answer.undone.length} taken back` : "Nothing to take back in this tab.");
    if (first !== undefined) await open(queue.places.get(first));
    else if (answer.undone.length) await load(answer.undone[0]);
    else if (pair) await refresh(pair.id);
  }),
  previous: () => exclusively(() => open(queue.at - 1)),
  next: () => exclusively(() => open(queue.at + 1)),
  matched: () => { viewer.matched = !viewer.matched; viewer.show(viewer.id); show(); },
  "runner-up": () => {
    if (pair && pair.jpegs.length > 1) showJpeg((viewer.nth + 1) % pair.jpegs.length);
  },
  "zoom-in": () => viewer.zoom(1.5),
  "zoom-out": () => viewer.zoom(1 / 1.5),
  "zoom-reset": () => viewer.reset(),
  "show-help": () => at("help-dialog").showModal(),
  "show-pending": () => showPending().catch(fail),
  "show-bulk": () => { at("bulk-dialog").returnValue = ""; at("bulk-dialog").showModal(); showPreview(); },
};

const keys = {
  a: "accept", x: "reject", l: "relabel", s: "skip", u: "undo", p: "previous", n: "next",
  ArrowLeft: "previous", ArrowRight: "next", m: "matched", r: "runner-up",
  "+": "zoom-in", "-": "zoom-out", 0: "zoom-reset", "?": "show-help",
};
const WHILE_HELD = new Set(["previous", "next", "zoom-in", "zoom-out"]);
const viewKeys = { 1: "side", b: "blink", v: "slider", d: "difference" };
const moves = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const inField = event.target.closest("input, select, textarea");
  if (inField) {
    if (inField === at("why") && ["Enter", "Escape"].includes(event.key)) inField.blur();
    if (inField.type !== "range") return;
  }
  if (inField && event.key.startsWith("Arrow")) return; // they move the slider
  const inList = event.target === at("list") && ["ArrowUp", "ArrowDown"].includes(event.key);
  if (event.shiftKey && moves[event.key]) viewer.move(...moves[event.key]);
  else if (inList) actions[event.key === "ArrowUp" ? "previous" : "next"]();
  else if (event.key === "w") at("why").focus();
  else if (viewKeys[event.key]) viewer.choose(viewKeys[event.key]);
  else if (keys[event.key]) {
    if (!event.repeat || WHILE_HELD.has(keys[event.key])) actions[keys[event.key]]();
  }
  else return;
  event.preventDefault();
}

// That the server is away is said when something is asked of it.
const listen = () => poll().catch(() => {});

async function poll() {
  if (waiting) return;
  const before = version;
  const answer = await ask(`/api/changes?since=${version}`);
  if (waiting || version !== before) return; // overtaken by a decision of this tab
  if (answer.tables !== tables) { // a stage has run
    await exclusively(() => load(pair?.id));
    return;
  }
  take(answer);
  if (pair && answer.changed.some(([id]) => id === pair.id)) await refresh(pair.id);
}

function options(select, pairs) {
  select.append(...pairs.map(([value, text]) => {
    const option = element("option", text);
    option.value = value;
    return option;
  }));
}

async function start() {
  const about = await ask("/api/about");
  categories = about.categories;
  const form = at("filter");
  options(form.elements.verdict, about.verdicts.map((one) => [one, one]));
  options(form.elements.category, Object.values(categories).map((one) => [one, one]));
  options(form.elements.folder, about.folders.map((one) => [one, one]));
  options(at("relabel-label"), Object.entries(categories).map(([label, name]) => [label, `${label} ${name}`]));
  for (const why of [...about.reasons].reverse()) remember(why);
  const kept = JSON.parse(sessionStorage.getItem("filter") || "{}");
  for (const [name, value] of Object.entries(kept)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  form.addEventListener("change", () => exclusively(() => load()));
  form.addEventListener("submit", (event) => { event.preventDefault(); exclusively(() => load()); });
  for (const id of Object.keys(actions)) at(id)?.addEventListener("click", () => actions[id]());
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => viewer.choose(button.dataset.view));
  }
  at("bulk-decision").addEventListener("change", showPreview);
  at("bulk-dialog").addEventListener("close", applyBulk);
  at("relabel-dialog").addEventListener("close", applyRelabel);
  document.addEventListener("keydown", onKey);
  window.addEventListener("focus", listen);
  setInterval(listen, POLL_MS);
  await load(location.hash.slice(1));
  document.body.dataset.ready = "yes";
}

start().catch(fail);
