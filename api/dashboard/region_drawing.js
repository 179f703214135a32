// Drawing polygons: points, closed polygons and undo, without a page.
export const KINDS = { look: "look at", ignore: "ignore" };

const POINTS_MAX = 64;
const POLYGONS_MAX = 16;
const NEAR = 0.02; // a point this close to the first one closes the polygon
const DIGITS = 1e4;

const turn = ([ax, ay], [bx, by], [x, y]) => (bx - ax) * (y - ay) - (by - ay) * (x - ax);
const between = (a, b, c, d) => Math.max(Math.min(a, b), Math.min(c, d)) < Math.min(Math.max(a, b), Math.max(c, d));

// Says whether the sides a-b and c-d cross, or overlap on one line; a common corner is no crossing.
function cross(a, b, c, d) {
  const [p, q, r, s] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (p === 0 && q === 0) return a[0] === b[0] ? between(a[1], b[1], c[1], d[1]) : between(a[0], b[0], c[0], d[0]);
  return p * q < 0 && r * s < 0;
}

// Says whether a closed polygon crosses itself.
export function crosses(points) {
  const side = (i) => [points[i], points[(i + 1) % points.length]];
  return points.some((_, i) => points.some((__, j) => j > i && cross(...side(i), ...side(j))));
}

// Each change answers with words for the user: "" if there is nothing to say.
export class Drawing {
  #past = [];
  state = { look: [], ignore: [], open: [], kind: "look" };

  get undoable() {
    return this.#past.length > 0;
  }

  #change(changed) {
    this.#past.push(this.state);
    this.state = { ...this.state, ...changed };
  }

  begin(region) {
    this.#past = [];
    this.state = { ...this.state, look: region?.look ?? [], ignore: region?.ignore ?? [], open: [] };
    return "";
  }

  choose(kind) {
    this.state = { ...this.state, kind };
    return "";
  }

  point([x, y]) {
    const { open, kind } = this.state;
    const next = [Math.round(x * DIGITS) / DIGITS, Math.round(y * DIGITS) / DIGITS];
    const [first] = open;
    if (open.length >= 3 && Math.hypot(next[0] - first[0], next[1] - first[1]) < NEAR) return this.close();
    if (open.some((point) => point[0] === next[0] && point[1] === next[1])) return "There is a corner already.";
    if (open.length === POINTS_MAX) return `A polygon has at most ${POINTS_MAX} corners: close it.`;
    if (!open.length && this.state[kind].length === POLYGONS_MAX)
      return `There are ${POLYGONS_MAX} polygons of this kind already.`;
    this.#change({ open: [...open, next] });
    return `Corner ${open.length + 1} set.`;
  }

  close() {
    const { open, kind } = this.state;
    if (open.length < 3) return "A polygon needs at least 3 corners.";
    if (crosses(open)) return "This polygon would cross itself: undo a corner.";
    this.#change({ [kind]: [...this.state[kind], open], open: [] });
    return "The polygon is closed.";
  }

  drop() {
    if (this.state.open.length) this.#change({ open: [] });
    return "";
  }

  remove(kind, index) {
    this.#change({ [kind]: this.state[kind].filter((_, i) => i !== index) });
    return "The polygon is removed; Undo brings it back.";
  }

  undo() {
    if (!this.#past.length) return "There is nothing to undo.";
    this.state = { ...this.#past.pop(), kind: this.state.kind };
    return "Undone.";
  }
}
