// Reads the filter of a view from its address.
const FIELDS = ["product", "camera", "part", "verdict", "label", "model", "since", "until"];

export const filterOf = (parameters) =>
  Object.fromEntries(FIELDS.map((name) => [name, parameters.get(name)]).filter(([, value]) => value));
