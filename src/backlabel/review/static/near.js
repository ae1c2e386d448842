// What is near the chosen pair: further JPEGs of its TIFF, other TIFFs of its JPEGs.
"use strict";

function shownJpeg() {
  return pair.jpegs[viewer.nth];
}

function rankName(nth) {
  return ["JPEG", "Runner-up", "Third JPEG"][nth] || `${nth + 1}th JPEG`;
}

function showJpeg(nth) {
  viewer.nth = nth;
  viewer.show(viewer.id);
  show();
}

// A line with a small picture, what is said of it, and buttons by [word, what it is done to, action].
function nearLine(src, text, buttons) {
  const line = element("li");
  const image = element("img");
  image.alt = "";
  queue.spare.load(image, src, () => image.isConnected);
  const box = element("div", `${text} `);
  for (const [word, name, action] of buttons) {
    const button = element("button", word, word);
    button.type = "button";
    button.setAttribute("aria-label", `${word} ${name}`);
    button.addEventListener("click", action);
    box.append(button, " ");
  }
  line.append(image, box);
  return line;
}

// Where a TIFF has several.
function showJpegs() {
  at("jpegs-box").hidden = pair.jpegs.length < 2;
  at("jpegs").replaceChildren(...pair.jpegs.map((one, nth) => {
    const explained = one.explained === null ? "" : `explained ${one.explained.toFixed(3)}, `;
    const isTaken = pair.decisions.some((made) => made.decision !== "reject" && made.jpeg === one.path);
    const line = nearLine(
      address(pair.id, nth, "jpeg"),
      `${rankName(nth)}, ${one.label} ${one.category}: ${explained}${one.hamming_distance} bits.` +
        (isTaken ? " Accepted." : ""),
      [
        ["show", one.path, () => showJpeg(nth)],
        ["accept", one.path, () => decide({ decision: "accept", jpeg: one.path })],
      ]);
    if (nth === viewer.nth) line.setAttribute("aria-current", "true");
    return line;
  }));
}

function sharing(one) {
  if (!one.nth && !one.its_nth) return "same JPEG";
  return `this TIFF's ${rankName(one.nth)} is its ${rankName(one.its_nth)}`;
}

function showRelated() {
  at("related-box").hidden = !pair.related.length;
  at("related").replaceChildren(...pair.related.map((one) => nearLine(
    address(one.id, 0, "thumb"),
    `${one.name}: ${one.verdict}, ${sharing(one)}. ${STATES[one.state]}`,
    ["accept", "reject"].map((decision) => [decision, one.name,
      () => decide({ id: one.id, decision, jpeg: one.jpeg }, false)]))));
}
