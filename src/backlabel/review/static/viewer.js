// Two images of one scale: side by side, on each other, zoomed and moved in step.
"use strict";

class Viewer {
  constructor() {
    this.stage = document.getElementById("stage");
    this.images = [document.getElementById("image-tiff"), document.getElementById("image-jpeg")];
    this.slide = document.getElementById("slide");
    this.error = document.getElementById("picture-error");
    this.view = "side";
    this.matched = false;
    this.nth = 0; // of the TIFF's JPEGs, from the best
    this.id = null;
    this.reset();
    this.slide.addEventListener("input", () => this.clip());
    for (const image of this.images) {
      const hold = image.parentElement;
      image.addEventListener("error", () => this.explain(image));
      hold.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      hold.addEventListener("pointerdown", (event) => this.drag(event, hold));
    }
  }

  show(id) {
    if (id !== this.id) {
      this.id = id;
      this.matched = false;
      this.nth = 0;
      this.reset();
    }
    const [tiff, jpeg] = this.images;
    const wanted = [
      address(id, this.nth, this.matched ? "matched" : "tiff"), address(id, this.nth, "jpeg"),
    ];
    [tiff, jpeg].forEach((image, i) => {
      if (image.getAttribute("src") === wanted[i]) return;
      this.error.textContent = "";
      image.setAttribute("src", wanted[i]);
    });
  }

  async explain(image) {
    const asked = image.getAttribute("src");
    const answer = await fetch(asked).catch(() => null);
    if (!answer || answer.ok || image.getAttribute("src") !== asked) return;
    const side = image === this.images[0] ? "The TIFF" : "The JPEG";
    this.error.textContent = `${side} cannot be shown: ${(await answer.json()).error}`;
  }

  choose(view) {
    if (view === "blink" && this.view === "blink") this.stage.classList.toggle("first");
    else {
      this.view = view;
      this.stage.className = view;
      if (view === "blink") this.stage.classList.add("first");
    }
    for (const button of document.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    document.getElementById("slide-label").hidden = view !== "slider";
    this.clip();
  }

  clip() {
    const hold = this.images[1].parentElement; // its caption stays whole
    hold.style.clipPath = this.view === "slider" ? `inset(0 0 0 ${this.slide.value}%)` : "";
  }

  reset() {
    this.scale = 1;
    this.x = this.y = 0;
    this.place();
  }

  // Coordinates are shares of a pane, so that panes of unequal size stay in step.
  place() {
    const least = 1 - this.scale;
    this.x = Math.min(0, Math.max(least, this.x));
    this.y = Math.min(0, Math.max(least, this.y));
    for (const image of this.images) {
      image.style.transform =
        `translate(${100 * this.x}%, ${100 * this.y}%) scale(${this.scale})`;
      image.style.imageRendering = this.scale > 3 ? "pixelated" : "auto";
    }
  }

  zoom(factor, atX = 0.5, atY = 0.5) {
    const scale = Math.min(32, Math.max(1, this.scale * factor));
    const change = scale / this.scale;
    this.x = atX - (atX - this.x) * change;
    this.y = atY - (atY - this.y) * change;
    this.scale = scale;
    this.place();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.place();
  }

  wheel(event) {
    event.preventDefault();
    const box = event.currentTarget.getBoundingClientRect();
    this.zoom(event.deltaY < 0 ? 1.25 : 0.8,
      (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }

  drag(event, hold) {
    if (event.button !== 0) return;
    event.preventDefault();
    hold.setPointerCapture(event.pointerId);
    let [x, y] = [event.clientX, event.clientY];
    const moved = (next) => {
      this.move((next.clientX - x) / hold.clientWidth, (next.clientY - y) / hold.clientHeight);
      [x, y] = [next.clientX, next.clientY];
    };
    hold.addEventListener("pointermove", moved);
    const end = () => hold.removeEventListener("pointermove", moved);
    hold.addEventListener("pointerup", end, { once: true });
    hold.addEventListener("pointercancel", end, { once: true });
  }
}
