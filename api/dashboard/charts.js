// Draws charts with uPlot, which is fetched with the first chart, so that the line view does not wait for it. Screen
// readers cannot read a canvas, so each chart also has its figures as a text and as a table.
import { h } from "./dom.js";
import { fetchModule } from "./net.js";

const TABLE_ROWS = 200; // of a longer chart the newest
const LABEL_GAP = 6; // pixels between an axis and its labels

const FEW = 40; // lines with fewer points show each of them; longer lines only points without a neighbour

const known = (y) => y !== null && y !== undefined;
// Finds the values without a neighbour: no line would show them.
const lonely = (ys) => [...ys.keys()].filter((i) => known(ys[i]) && !known(ys[i - 1]) && !known(ys[i + 1]));

// null if it could not be fetched: the next data asks again, because a daemon that restarts must not cost the charts.
let library = null;
const loadLibrary = () =>
  (library ??= fetchModule("uPlot.esm.js").then(
    (module) => module.default,
    () => (library = null),
  ));

const values = (points) => points.map(([, y]) => y).filter((y) => y !== null);

function describe(title, series, format) {
  const said = series.map(({ name, points }) => {
    const known = values(points);
    if (!known.length) return `${name}: nothing yet`;
    const low = known.reduce((a, b) => Math.min(a, b));
    const high = known.reduce((a, b) => Math.max(a, b));
    return `${name}: last ${format(known.at(-1))}, lowest ${format(low)}, highest ${format(high)}`;
  });
  return `${title}. ${said.join("; ")}`;
}

// Joins series to the single column of x that uPlot needs. Series with the same x stay as they are, because a ROC curve
// has some x twice.
function columns(uPlot, series) {
  const xs = series[0].points.map(([x]) => x);
  const alike = series.every(({ points }) => points.length === xs.length && points.every(([x], i) => x === xs[i]));
  if (alike) return [xs, ...series.map(({ points }) => points.map(([, y]) => y))];
  return uPlot.join(series.map(({ points }) => [points.map(([x]) => x), points.map(([, y]) => y)]));
}

// Options of a chart: {title, kind: "line" | "bars", format and formatX: number -> text, max: top of the scale
// (default: the largest value), time: x is in milliseconds since 1970}.
export class Chart {
  #options;
  #series = [];
  #domain = null;
  #marks = [];
  #plot = null;
  #names = "";
  #drawing = false;

  constructor(options) {
    this.#options = options;
    this.readout = h("output", { class: "readout" });
    this.place = h("div", { class: "plot", role: "img" });
    this.empty = h("p", { class: "empty" }, "Nothing yet");
    this.legend = h("ul", { class: "legend" });
    const table = h("div", {
      class: "scroll",
      tabindex: 0,
      role: "region",
      "aria-label": `${options.title} as a table`,
    });
    this.details = h(
      "details",
      { class: "figures-table", ontoggle: () => this.details.open && table.replaceChildren(this.#table()) },
      h("summary", { "aria-label": `${options.title}: as a table` }, "Table"),
      table,
    );
    this.element = h(
      "figure",
      { class: "chart" },
      h("figcaption", {}, h("span", {}, options.title), this.readout),
      this.empty,
      this.place,
      h("div", { class: "chart-foot" }, this.legend, this.details),
    );
    // Called on each change of size, and when the element enters or leaves the page.
    new ResizeObserver(() => this.#fit()).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot?.redraw());
  }

  // series: [{name, points: [[x, y or null], ...] by rising x}]; domain: [first, last] x; marks: x of vertical lines.
  show(series, { domain = null, marks = [] } = {}) {
    this.#series = series;
    this.#domain = domain;
    this.#marks = marks;
    const { title, format } = this.#options;
    const drawn = series.some(({ points }) => values(points).length);
    this.empty.hidden = drawn;
    this.place.hidden = this.details.hidden = !drawn;
    this.legend.hidden = !drawn || series.length < 2;
    this.place.setAttribute("aria-label", describe(title, series, format));
    this.legend.replaceChildren(...series.map(({ name }, i) => h("li", { class: `series${i % 6}` }, name)));
    this.#rest();
    this.#fit();
    return this;
  }

  #rest() {
    const last = this.#series.length === 1 ? values(this.#series[0].points).at(-1) : undefined;
    this.readout.textContent = last === undefined || this.#options.kind === "bars" ? "" : this.#options.format(last);
  }

  async #fit() {
    if (!this.#series.length || !this.place.isConnected || !this.place.clientWidth) {
      if (!this.place.isConnected) this.#forget(); // uPlot has listeners on the window
      return;
    }
    if (this.#drawing) return; // the running call draws the newest data
    this.#drawing = true;
    const uPlot = await loadLibrary();
    this.#drawing = false;
    if (uPlot && this.place.isConnected && this.place.clientWidth) this.#draw(uPlot);
  }

  #draw(uPlot) {
    const size = { width: this.place.clientWidth, height: this.place.clientHeight };
    const names = JSON.stringify(this.#series.map(({ name }) => name));
    if (this.#plot && names !== this.#names) this.#forget();
    this.#names = names;
    const data = columns(uPlot, this.#series);
    if (!this.#plot) {
      this.#plot = new uPlot(this.#settings(uPlot, size), data, this.place);
      return;
    }
    if (this.#plot.width !== size.width || this.#plot.height !== size.height) this.#plot.setSize(size);
    this.#plot.setData(data);
  }

  #forget() {
    this.#plot?.destroy();
    this.#plot = null;
  }

  #settings(uPlot, size) {
    const { kind, format, formatX, max, time } = this.#options;
    const fontPixels = Math.round(0.78 * parseFloat(getComputedStyle(document.documentElement).fontSize));
    const font = `${fontPixels}px system-ui, sans-serif`;
    const ink = () => getComputedStyle(this.place).color;
    const edge = () => getComputedStyle(this.place).borderTopColor;
    const axis = { font, stroke: ink, gap: LABEL_GAP, grid: { stroke: edge, width: 1 }, ticks: { show: false } };
    const widest = (u, labels) => {
      if (!labels) return 40;
      u.ctx.font = `${fontPixels * devicePixelRatio}px system-ui, sans-serif`;
      const widths = labels.map((label) => u.ctx.measureText(label ?? "").width / devicePixelRatio);
      return Math.ceil(Math.max(...widths)) + LABEL_GAP + 4;
    };
    return {
      ...size,
      ms: 1,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      padding: [fontPixels * 0.8, fontPixels * 1.6, 0, 0],
      scales: {
        x: { time: Boolean(time), range: (u, low, high) => this.#domain ?? [low, high > low ? high : low + 1] },
        y: { range: (u, low, high) => [0, max ?? (high > 0 ? high * 1.08 : 1)] },
      },
      axes: [
        {
          ...axis,
          size: fontPixels * 1.4 + LABEL_GAP,
          space: fontPixels * 6,
          grid: { show: false },
          values: (u, at) => at.map(formatX),
          ...(time ? {} : { incrs: kind === "epochs" ? [1, 2, 5, 10, 20, 50, 100, 200, 500] : undefined }),
        },
        { ...axis, size: widest, space: fontPixels * 2.2, values: (u, at) => at.map(format) },
      ],
      series: [{}, ...this.#series.map(({ name, points }, i) => this.#line(uPlot, name, points.length, i))],
      hooks: { setCursor: [(u) => this.#say(u)], draw: [(u) => this.#mark(u)] },
    };
  }

  // Dashes all lines but the first differently, for readers who cannot tell the colours apart.
  #line(uPlot, label, count, i) {
    const stroke = () => getComputedStyle(this.legend.children[i] ?? this.legend).color;
    if (this.#options.kind === "bars") {
      const alone = this.#series.length === 1; // two series have their bars side by side, left and right of x
      const paths = uPlot.paths.bars(alone ? { size: [0.9] } : { size: [0.45], align: i ? 1 : -1 });
      return { label, stroke, fill: stroke, width: 0, points: { show: false }, paths };
    }
    const dash = [undefined, [7, 3], [2, 3], [9, 3, 2, 3], [4, 4], [12, 4]][i % 6];
    return {
      label,
      stroke,
      width: 2,
      dash,
      points: { show: true, size: 5, filter: (u, column) => (count < FEW ? null : lonely(u.data[column])) },
    };
  }

  #say(u) {
    const { format, formatX } = this.#options;
    const { idx } = u.cursor;
    if (idx === null || idx === undefined) return this.#rest();
    const said = this.#series
      .map(({ name }, i) => [name, u.data[i + 1][idx]])
      .filter(([, y]) => y !== null && y !== undefined);
    const figures = said.map(([name, y]) => (this.#series.length > 1 ? `${name} ${format(y)}` : format(y)));
    this.readout.textContent = [formatX(u.data[0][idx]), ...figures].join(" · ");
  }

  #mark(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = getComputedStyle(this.element).color;
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const x of this.#marks) {
      const at = u.valToPos(x, "x", true);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  #table() {
    const { title, format, formatX } = this.#options;
    const rows = new Map();
    this.#series.forEach(({ points }, i) => {
      for (const [x, y] of points) rows.set(x, Object.assign(rows.get(x) ?? [], { [i]: y }));
    });
    const newest = [...rows].sort(([a], [b]) => a - b).slice(-TABLE_ROWS);
    const cells = (row) =>
      this.#series.map((_, i) => h("td", {}, row[i] === null || row[i] === undefined ? "–" : format(row[i])));
    return h(
      "table",
      {},
      h("caption", {}, title),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td", {}),
          this.#series.map(({ name }) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        newest.map(([x, row]) => h("tr", {}, h("th", { scope: "row" }, formatX(x)), cells(row))),
      ),
    );
  }
}

// Makes a chart that is drawn once.
export const chart = (options, series, extra) => new Chart(options).show(series, extra).element;
