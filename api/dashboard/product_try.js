// Tries a picture: it is inspected by the active version, like one of a camera named "dashboard".
import { card } from "./cards.js";
import { h } from "./dom.js";
import { sendFile } from "./net.js";

const LOADING_MS = 500;
const LOADING_TIMES = 120; // a version that was just activated is loaded meanwhile

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const loading = ({ status, code }) => status === 503 || code === "unknown_product";

export function tryZone(product) {
  const shown = h("div", { class: "tried", "aria-live": "polite" });
  const inspect = async (file) => {
    if (!file) return;
    shown.replaceChildren(h("p", {}, `Inspecting ${file.name}…`));
    const path = `/v1/inspections?${new URLSearchParams({ product, camera: "dashboard" })}`;
    for (let times = 0; ; times++) {
      try {
        shown.replaceChildren(card(await sendFile(path, file, file.type || "image/jpeg"), "try"));
        return;
      } catch (error) {
        if (!loading(error) || times === LOADING_TIMES) {
          shown.replaceChildren(h("p", { class: "failure" }, `${file.name}: ${error.message}`));
          return;
        }
        await pause(LOADING_MS);
      }
    }
  };
  const input = h("input", {
    type: "file",
    hidden: true,
    accept: "image/jpeg,image/png",
    "data-class": "try",
    onchange: () => {
      inspect(input.files[0]);
      input.value = "";
    },
  });
  const zone = h(
    "div",
    { class: "zone try", role: "group", "aria-label": "Try a picture" },
    h("p", { class: "hint" }, "Drop a picture here. It is stored like an inspection of a camera named dashboard."),
    h(
      "p",
      { class: "buttons" },
      input,
      h("button", { type: "button", onclick: () => input.click() }, "Choose a picture"),
    ),
  );
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    inspect(event.dataTransfer.files[0]);
  });
  return h("section", { "aria-label": "Try" }, h("h3", {}, "3. Try it"), zone, shown);
}
