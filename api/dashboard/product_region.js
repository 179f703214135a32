// The regions of a product: polygons to look at and to ignore, drawn on a picture by pointer or by keys.
import { doing, h, notice, svg } from "./dom.js";
import { getJson, LISTING_MS, query, sendJson, showPicture } from "./net.js";
import { Drawing, KINDS } from "./region_drawing.js";

const STEP = 0.01; // of the picture, for an arrow key; five times as much with Shift
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP =
  "Click the corners of a polygon; click the first one again to close it. By keys: arrows move the cross, " +
  "Space sets a corner, Enter closes, Backspace undoes, Escape drops the open polygon.";
const clamp = (value) => Math.min(1, Math.max(0, value));
const corners = (points) => points.map(([x, y]) => `${x},${y}`).join(" ");
const empty = (region) => !region?.look.length && !region?.ignore.length;

export class Region {
  #drawing = new Drawing();
  #cross = [0.5, 0.5];
  #turn = 0;

  constructor(product, signal) {
    Object.assign(this, { product, signal, path: `/v1/admin/products/${product}/regions` });
    this.summary = h("p", { role: "status" });
    this.retrain = h("p", { class: "failure", hidden: true });
    this.image = h("img", { alt: "" });
    this.picture = svg("svg", {
      viewBox: "0 0 1 1",
      preserveAspectRatio: "none",
      tabindex: 0,
      role: "application",
      "aria-label": "Region on the picture",
      "aria-describedby": "region-help",
      onpointerdown: (event) => this.#pointed(event),
      onkeydown: (event) => this.#typed(event),
      onfocus: () => this.#draw(),
      onblur: () => this.#draw(),
    });
    this.said = h("p", { class: "hint", "aria-live": "polite" });
    this.list = h("ul", { class: "polygons" });
    this.camera = h("input", { name: "camera", list: "region-cameras", autocomplete: "off", maxlength: 128 });
    this.camera.addEventListener("change", () => this.#shown().catch((error) => notice(error.message)));
    this.cameras = h("datalist", { id: "region-cameras" });
    this.undo = h("button", { type: "button", onclick: () => this.#did(this.#drawing.undo()) }, "Undo the last step");
    this.close = h("button", { type: "button", onclick: () => this.#did(this.#drawing.close()) }, "Close the polygon");
    this.save = h(
      "button",
      { type: "button", class: "primary", onclick: doing(() => this.#save()) },
      "Save the region",
    );
    this.whole = h("button", { type: "button", onclick: doing(() => this.#delete()) }, "Use the whole picture");
    this.board = h("div", { class: "region-board", hidden: true }, this.#controls());
    this.open = h("button", { type: "button", onclick: doing(() => this.#opened()) }, "Draw a region");
    this.element = h(
      "section",
      { "aria-label": "Region" },
      h("h3", {}, "Region (optional)"),
      this.summary,
      this.retrain,
      h("p", { class: "buttons" }, this.open),
      this.board,
    );
  }

  #controls() {
    const kinds = Object.entries(KINDS).map(([value, text]) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "region-kind",
          value,
          checked: value === "look",
          onchange: () => this.#did(this.#drawing.choose(value)),
        }),
        h("span", {}, text),
      ),
    );
    return [
      h(
        "p",
        { class: "buttons" },
        h("label", {}, "Camera ", this.camera),
        this.cameras,
        h("span", { class: "hint" }, "empty: all cameras"),
      ),
      h("fieldset", { class: "views" }, h("legend", {}, "The next polygon is"), kinds),
      h("p", { class: "hint", id: "region-help" }, HELP),
      h("div", { class: "region-picture" }, this.image, this.picture),
      this.said,
      this.list,
      h("p", { class: "buttons" }, this.close, this.undo, this.save, this.whole),
    ];
  }

  // Reads what is set, for the summary; the board keeps what is being drawn.
  async read() {
    const { signal, product } = this;
    try {
      this.#told(await getJson(`/v1/products/${product}/regions`, { signal }));
    } catch (error) {
      if (error.code !== "unknown_product") throw error; // nothing is known of it yet
    }
  }

  #told({ regions, serving, retrain }) {
    this.regions = regions;
    const own = Object.keys(regions.cameras);
    const all = empty(regions.default) ? "The whole picture is judged" : "A part of the picture is judged";
    this.summary.textContent = `${all}${own.length ? `; these cameras have their own region: ${own.join(", ")}` : ""}.`;
    this.retrain.hidden = !retrain;
    this.retrain.textContent = retrain
      ? `Version ${serving.version} was trained with other regions and still uses those. Train again to use these.`
      : "";
  }

  async #opened() {
    this.board.hidden = false;
    this.open.hidden = true;
    const { items } = await getJson("/v1/cameras", { signal: this.signal });
    const names = new Set([...items.map(({ name }) => name), ...Object.keys(this.regions?.cameras ?? {})]);
    this.cameras.replaceChildren(...[...names].map((value) => h("option", { value })));
    await this.#shown();
    this.picture.focus();
  }

  // Shows the region of the camera that is named, on a picture of that camera, or else on one of the dataset.
  async #shown() {
    const turn = ++this.#turn;
    const camera = this.camera.value.trim();
    const region = camera ? this.regions?.cameras[camera] : this.regions?.default;
    this.#did(this.#drawing.begin(region));
    const href = (await this.#ofCamera(camera)) ?? (await this.#ofDataset());
    if (turn !== this.#turn) return;
    this.said.textContent = href ? "" : "Add a picture first, or name a camera that has sent one.";
    if (href) await showPicture(this.image, href);
  }

  async #ofCamera(camera) {
    if (!camera) return null;
    const filter = query({ product: this.product, camera, limit: 1 });
    const { items } = await getJson(`/v1/inspections?${filter}`, { signal: this.signal });
    return items[0]?.image.kept ? items[0].image.href : null;
  }

  async #ofDataset() {
    const path = `/v1/admin/products/${this.product}/dataset?limit=1`;
    const { items } = await getJson(path, { signal: this.signal, wait: LISTING_MS });
    return items[0]?.href ?? null;
  }

  #pointed(event) {
    const box = this.picture.getBoundingClientRect();
    event.preventDefault();
    this.picture.focus();
    this.#cross = [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
    this.#did(this.#drawing.point(this.#cross));
  }

  #typed(event) {
    const move = MOVES[event.key];
    if (move) {
      const step = event.shiftKey ? 5 * STEP : STEP;
      this.#cross = this.#cross.map((value, axis) => clamp(Math.round((value + move[axis] * step) / STEP) * STEP));
      this.#draw();
      this.said.textContent = `${Math.round(100 * this.#cross[0])} % from the left, ${Math.round(100 * this.#cross[1])} % from the top`;
    } else if (event.key === " ") this.#did(this.#drawing.point(this.#cross));
    else if (event.key === "Enter") this.#did(this.#drawing.close());
    else if (event.key === "Backspace") this.#did(this.#drawing.undo());
    else if (event.key === "Escape") this.#did(this.#drawing.drop());
    else return;
    event.preventDefault();
  }

  #did(words) {
    const { look, ignore, open } = this.#drawing.state;
    this.said.textContent = words;
    this.#draw();
    this.#listed();
    this.undo.disabled = !this.#drawing.undoable;
    this.close.disabled = open.length < 3;
    this.save.disabled = open.length > 0 || empty({ look, ignore });
  }

  // Draws the picture's layer alone: it runs when the focus moves to a button, which must not be replaced then.
  #draw() {
    const { look, ignore, open, kind } = this.#drawing.state;
    const shapes = (polygons, name) =>
      polygons.map((points) => svg("polygon", { class: name, points: corners(points) }));
    const dots = open.map(([x, y], i) => svg("circle", { class: i ? kind : `${kind} first`, cx: x, cy: y, r: 0.012 }));
    const [x, y] = this.#cross;
    const cross =
      document.activeElement === this.picture
        ? [svg("path", { class: "cross", d: `M${x - 0.03} ${y}h.06M${x} ${y - 0.03}v.06` })]
        : [];
    this.picture.replaceChildren(
      ...shapes(look, "look"),
      ...shapes(ignore, "ignore"),
      svg("polyline", { class: `${kind} open`, points: corners(open) }),
      ...dots,
      ...cross,
    );
  }

  #listed() {
    const entry = (kind) => (points, i) =>
      h(
        "li",
        {},
        `${KINDS[kind]}: ${points.length} corners `,
        h(
          "button",
          {
            type: "button",
            onclick: () => this.#did(this.#drawing.remove(kind, i)),
            "aria-label": `Remove polygon ${i + 1}: ${KINDS[kind]}`,
          },
          "Remove",
        ),
      );
    const { look, ignore } = this.#drawing.state;
    this.list.replaceChildren(...look.map(entry("look")), ...ignore.map(entry("ignore")));
  }

  #where() {
    const camera = this.camera.value.trim();
    return camera ? `${this.path}?${query({ camera })}` : this.path;
  }

  async #save() {
    const { look, ignore } = this.#drawing.state;
    this.#told(await sendJson("PUT", this.#where(), { look, ignore }));
    this.said.textContent = "Saved. The next training uses it.";
  }

  async #delete() {
    try {
      this.#told(await sendJson("DELETE", this.#where()));
    } catch (error) {
      if (error.code !== "not_found") throw error; // it has none
    }
    this.#did(this.#drawing.begin(null));
    const shared = this.camera.value.trim() && !empty(this.regions?.default);
    this.said.textContent = shared
      ? "The next training uses the product's region for this camera."
      : "The next training uses the whole picture.";
  }
}
