// The large picture of an inspection with its heat, and the controls for it.
import { placeText } from "./cards.js";
import { h, limitText, notice, percent, verdictWord } from "./dom.js";
import { drawHeat, drawnSize, enlarge, imagePath, isCold, loadMap } from "./heat.js";
import { download, query, showPicture } from "./net.js";

const VIEWS = [
  ["overlay", "Overlay"],
  ["threshold", "Heat only"],
  ["raw", "Raw map"],
  ["image", "Image"],
];
const settings = { view: "overlay", opacity: 0.6, boxes: true }; // kept for the next inspection

function boxes(item) {
  const { width, height } = item.image;
  const layer = h("div", { class: "boxes", "aria-hidden": "true" });
  for (const box of item.heatmap.boxes) {
    const element = h("span", {});
    Object.assign(element.style, {
      left: `${(100 * box.x) / width}%`,
      top: `${(100 * box.y) / height}%`,
      width: `${(100 * box.width) / width}%`,
      height: `${(100 * box.height) / height}%`,
    });
    layer.append(element);
  }
  return layer;
}

function slider(name, value, act) {
  const output = h("output", {}, limitText(value));
  const input = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    value,
    name: name.toLowerCase(),
    oninput: () => {
      output.textContent = limitText(input.valueAsNumber);
      act(input.valueAsNumber);
    },
  });
  return h("label", { class: "slider" }, h("span", {}, name), input, output);
}

export class Stage {
  #heat = null;
  #due = false;

  constructor(item, signal) {
    this.item = item;
    this.threshold = item.heatmap.threshold;
    this.image = h("img", { class: "base", alt: `${placeText(item)}, ${verdictWord(item.verdict)}` });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.boxes = boxes(item);
    this.share = h("p", { class: "share", "aria-live": "polite" });
    this.frame = h("div", { class: "stage" }, this.image, this.canvas, this.boxes);
    this.frame.style.setProperty("--ratio", item.image.width / item.image.height);
    if (item.image.kept) showPicture(this.image, imagePath(item));
    this.element = h("section", { class: "large", "aria-label": "Picture" }, this.frame, this.#controls());
    this.#load(signal);
  }

  async #load(signal) {
    try {
      const size = drawnSize(this.item.image);
      this.#heat = { ...size, values: enlarge(await loadMap(this.item, signal), size.width, size.height) };
      this.#draw();
      this.canvas.dataset.ready = "true";
    } catch (error) {
      if (!signal.aborted) this.share.textContent = `No heatmap: ${error.message}`;
    }
  }

  #controls() {
    const views = VIEWS.map(([value, text]) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "view",
          value,
          checked: settings.view === value,
          onchange: () => this.#set({ view: value }),
        }),
        h("span", {}, text),
      ),
    );
    const showBoxes = h("input", {
      type: "checkbox",
      checked: settings.boxes,
      onchange: () => this.#set({ boxes: showBoxes.checked }),
    });
    return h(
      "div",
      { class: "controls" },
      h("fieldset", { class: "views" }, h("legend", {}, "View"), views),
      slider("Opacity", settings.opacity, (opacity) => this.#set({ opacity })),
      slider("Threshold", this.threshold, (threshold) => {
        this.threshold = threshold;
        this.#set({});
      }),
      h("label", { class: "check" }, showBoxes, " Boxes"),
      this.share,
    );
  }

  #set(changed) {
    Object.assign(settings, changed);
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#due = false;
    if (!this.#heat) return;
    const { view, opacity } = settings;
    const area = drawHeat(this.canvas, this.#heat, {
      threshold: this.threshold,
      cold: isCold(this.item),
      whole: view === "raw",
      alpha: view === "image" ? 0 : opacity,
    });
    this.image.classList.toggle("off", view === "threshold" || view === "raw");
    this.boxes.hidden = !settings.boxes || view === "image";
    this.share.textContent = `${percent(area)} of the image at or above ${limitText(this.threshold)}`;
  }

  // Downloads the daemon's heatmap in the current view and at the current threshold.
  saveHeatmap() {
    const { id, heatmap, image } = this.item;
    const view = settings.view === "image" ? "overlay" : settings.view;
    const shown = view === "overlay" && !image.kept ? "threshold" : view;
    return download(`${heatmap.href}?${query({ view: shown, threshold: this.threshold })}`, `${id}-${shown}.png`);
  }

  saveImage() {
    const { id, image } = this.item;
    return download(image.href, `${id}.${image.media_type.split(";")[0].split("/")[1]}`);
  }

  fullScreen() {
    this.frame.requestFullscreen().catch((error) => notice(error.message));
  }
}
