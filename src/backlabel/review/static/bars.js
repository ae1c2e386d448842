// Scores as bars against the limits in force.
"use strict";

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function shownNumber(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}

function drawBars(box, bars) {
  box.replaceChildren(...bars.map((bar) => {
    const line = element("div", undefined, "bar");
    line.setAttribute("role", "listitem");
    let text = `${bar.name}: ${shownNumber(bar.value)}`;
    if (bar.limit !== null) {
      line.classList.add(bar.passes ? "passes" : "fails");
      text += ` (limit ${shownNumber(bar.limit)}, ${bar.passes ? "passes" : "fails"})`;
    }
    const track = element("div", undefined, "track");
    track.setAttribute("aria-hidden", "true");
    const fill = element("div", undefined, "fill");
    fill.style.width = `${100 * bar.share}%`;
    track.append(fill);
    if (bar.limit !== null) {
      const limit = element("div", undefined, "limit");
      limit.style.left = `${100 * bar.limit_share}%`;
      track.append(limit);
    }
    line.append(element("span", text), track);
    return line;
  }));
}
