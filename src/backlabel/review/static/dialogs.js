// What is asked in a box of its own: all of a list, another label, what is not applied yet.
"use strict";

async function showPending() {
  const found = await ask("/api/pending");
  at("pending-count").textContent = found.count
    ? `TIFFs that are not yet as they were decided: ${found.count}` : "Every decision is applied.";
  at("pending-steps").replaceChildren(
    ...found.steps.map(([path, what]) => element("li", `${path} ${what}`)));
  at("pending-dialog").showModal();
}

async function showPreview() {
  preview = null;
  at("bulk-apply").disabled = true;
  try {
    const asked = { filter: filter(), decision: at("bulk-decision").value };
    const found = await ask("/api/preview", asked);
    preview = { ...asked, digest: found.digest };
    const of = Object.entries(found.verdicts).map(([verdict, count]) => `${count} ${verdict}`);
    at("bulk-count").textContent =
      `${plural(found.count, "undecided pair")}: ${of.join(", ") || "none"}. Some of them:`;
    at("bulk-apply").disabled = !found.count;
    at("bulk-samples").replaceChildren(...found.samples.map((line) => {
      const item = element("li", `${line[NAME]}, ${line[VERDICT]}`);
      for (const view of ["jpeg", "tiff"]) {
        const image = element("img");
        image.alt = "";
        queue.spare.load(image, address(line[ID], 0, view), () => image.isConnected);
        item.prepend(image);
      }
      return item;
    }));
  } catch (error) {
    at("bulk-count").textContent = error.message;
  }
}

// Ten thousand decisions take a moment. Keys go on working meanwhile; what decides waits for them.
function applyBulk() {
  if (at("bulk-dialog").returnValue !== "yes" || !preview) return;
  const why = at("bulk-why").value;
  const asked = { ...preview, why, tab };
  const deciding = settled.then(() => ask("/api/bulk", asked));
  say("Deciding all of them…");
  deciding.then((answer) => {
    say(`${answer.count} decided; one undo takes all of them back.`);
    remember(why);
    return exclusively(() => load(pair?.id));
  }).catch(fail);
  settled = deciding.catch(() => {});
}

function applyRelabel() {
  if (at("relabel-dialog").returnValue !== "yes") return;
  decide({
    decision: "relabel", label: at("relabel-label").value, why: at("relabel-why").value,
  });
}
