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

function applyBulk() {
  if (at("bulk-dialog").returnValue !== "yes" || !preview) return;
  exclusively(async () => {
    const why = at("bulk-why").value;
    const answer = await ask("/api/bulk", { ...preview, why, tab });
    remember(why);
    await load();
    say(`${answer.count} decided; one undo takes all of them back.`);
  });
}

function applyRelabel() {
  if (at("relabel-dialog").returnValue !== "yes") return;
  decide({
    decision: "relabel", label: at("relabel-label").value, why: at("relabel-why").value,
  });
}
