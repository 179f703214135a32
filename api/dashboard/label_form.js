// The form for the operator's label of an inspection.
import { dateTime, h, notice } from "./dom.js";
import { sendJson } from "./net.js";

const DEFECT = "[^.\\/\\\\\\p{Cc}][^\\/\\\\\\p{Cc}]{0,63}"; // the daemon checks the bytes (core/dataset/class_name.h)

function said({ label }) {
  if (!label) return "No label yet";
  return `${label.label}${label.defect ? ` (${label.defect})` : ""}, by ${label.by ?? "an unknown user"}, ${dateTime(label.at)}`;
}

// defects: names of defects in the product's dataset. relabelled(item) is called with the daemon's answer.
export function labelForm(item, defects, relabelled) {
  const defect = h("input", {
    name: "defect",
    list: "defects",
    pattern: DEFECT,
    title: "1 to 64 characters without slashes; must not begin with a dot",
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
