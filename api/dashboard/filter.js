// Which inspections a view is about, as its address says it.
const FIELDS = ["product", "camera", "part", "verdict", "label", "model", "since", "until"];

export const filterOf = (parameters) =>
  Object.fromEntries(FIELDS.map((name) => [name, parameters.get(name)]).filter(([, value]) => value));
