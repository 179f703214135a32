// The operator's label of an inspection.
import { dateTime, h, notice } from "./dom.js";
import { sendJson } from "./net.js";

const DEFECT = "[A-Za-z0-9._\\-]{1,64}";

function said({ label }) {
  if (!label) return "No label yet";
  return `${label.label}${label.defect ? ` (${label.defect})` : ""}, by ${label.by ?? "an unknown user"}, ${dateTime(label.at)}`;
}

// defects: names that the product's dataset knows. relabelled(item) is called with what the daemon then says.
export function labelForm(item, defects, relabelled) {
  const defect = h("input", {
    name: "defect",
    list: "defects",
    pattern: DEFECT,
    title: "1 to 64 letters, digits, dots, dashes or underscores",
    autocomplete: "off",
    value: item.label?.defect ?? "",
  });
  const note = h("input", { name: "note", maxlength: 500, value: item.label?.note ?? "" });
  const put = async (label) => {
    if (!form.reportValidity()) return;
    const body = {
      label,
      ...(label === "anomaly" && defect.value && { defect: defect.value }),
      ...(note.value && { note: note.value }),
    };
    try {
      relabelled(await sendJson("PUT", `/v1/inspections/${item.id}/label`, body));
      notice(`Labelled ${label}.`);
    } catch (error) {
      notice(error.message);
    }
  };
  const button = (label, text) =>
    h(
      "button",
      { type: "button", class: label, "aria-pressed": String(item.label?.label === label), onclick: () => put(label) },
      text,
    );
  const form = h(
    "form",
    { class: "label-form", "aria-label": "Label", onsubmit: (event) => event.preventDefault() },
    h("h2", {}, "Label"),
    h("p", { class: "said" }, said(item)),
    h("label", {}, "Defect ", defect),
    h(
      "datalist",
      { id: "defects" },
      defects.map((value) => h("option", { value })),
    ),
    h("label", {}, "Note ", note),
    h("p", { class: "buttons" }, button("good", "Good"), button("anomaly", "Anomaly")),
  );
  return form;
}
