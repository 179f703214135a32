// Starts a job. The form explains each parameter and its range; the fields hold the daemon's defaults.
import { h, notice } from "./dom.js";
import { getJson, LISTING_MS, sendJson, token } from "./net.js";

const KINDS = [
  ["train", "Training"],
  ["cross-validate", "Cross-validation"],
  ["evaluate", "Evaluation"],
];
const SEED_MAX = 9007199254740991;
const BOTH = ["train", "cross-validate"];

// name, text, default, lowest, highest, step, kinds with this parameter, explanation
const NUMBERS = [
  ["epochs", "Epochs", 10, 1, 1000, 1, BOTH, "Most passes over the images."],
  ["batch", "Batch", 10, 1, 256, 1, BOTH, "Images per step."],
  ["learning_rate", "Learning rate", 0.0001, 1e-7, 1, "any", BOTH, "Step size of Adam."],
  [
    "target_accuracy",
    "Stop at accuracy",
    0.98,
    0.5,
    1,
    "any",
    ["train"],
    "Training ends after an epoch with a higher accuracy.",
  ],
  ["test_share", "Held out", 0.2, 0.01, 0.9, "any", ["train"], "Share of the images held out to judge the model."],
  ["folds", "Folds", 5, 2, 20, 1, ["cross-validate"], "Each image is judged once, by a model that has not seen it."],
  ["seed", "Seed", 42, 0, SEED_MAX, 1, BOTH, "The same seed gives the same split of the images."],
  ["weight_good", "Weight of good", 1, 0.001, 1000, "any", BOTH, "In the loss."],
  ["weight_anomaly", "Weight of anomaly", 3, 0.001, 1000, "any", BOTH, "In the loss; a higher weight misses fewer."],
  ["threshold", "Threshold", 0.5, 0, 1, "any", BOTH, "Probabilities at or above it are anomalies."],
  [
    "max_missed",
    "Allowed misses",
    0.05,
    0.001,
    0.5,
    "any",
    BOTH,
    "Share of anomalies that the threshold may miss: advised, or chosen.",
  ],
  [
    "max_rejected",
    "Allowed false alarms",
    0.05,
    0.001,
    0.5,
    "any",
    BOTH,
    "Share of good parts that a good-only model, or a chosen threshold, may reject.",
  ],
  ["heatmap_threshold", "Heatmap threshold", 0.7, 0, 1, "any", BOTH, "Below it the heatmap is transparent."],
];
const CHOICES = [
  [
    "mode",
    "Learn from",
    [
      ["auto", "what the set has"],
      ["good_only", "good parts alone"],
      ["supervised", "good and defective parts"],
    ],
    BOTH,
    "Below 10 defective images good parts alone decide.",
  ],
  [
    "tiles",
    "Tiles",
    [
      ["1x1", "none: the picture whole"],
      ["2x2", "2 x 2"],
      ["3x2", "3 x 2"],
      ["4x3", "4 x 3"],
      ["6x4", "6 x 4"],
      ["8x6", "8 x 6"],
      ["10x6", "10 x 6"],
    ],
    BOTH,
    "For small defects in large pictures; an inspection takes as many times longer. Defective parts count with masks or boxes, which are laid into the set's folder ground_truth/<defect> by hand.",
  ],
  [
    "activate",
    "Activate",
    [
      ["if_better", "if better"],
      ["never", "never"],
      ["always", "always"],
    ],
    ["train"],
    "Better means a higher balanced accuracy on the held-out images.",
  ],
  [
    "heat",
    "Heat",
    [
      ["auto", "what locates best"],
      ["class_activation", "class activation"],
      ["good_only", "distance from good parts"],
      ["product", "product of both"],
    ],
    ["train"],
    "The map that is shown.",
  ],
  [
    "heatmap_scale",
    "Heatmap scale",
    [
      ["fixed", "fixed"],
      ["per_image", "per image"],
    ],
    BOTH,
    "With a fixed scale good parts stay cold.",
  ],
];
const MORE = [
  "weight_good",
  "weight_anomaly",
  "threshold",
  "threshold_auto",
  "max_missed",
  "max_rejected",
  "heatmap_threshold",
  "heat",
  "heatmap_scale",
  "tiles",
  "seed",
  "skip_unreadable",
];

const rangeText = (low, high) => (high === SEED_MAX ? "a whole number from 0" : `${low} to ${high}`);

function labelled(name, text, input, help) {
  const hint = h("small", { id: `help-${name}` }, help);
  input.setAttribute("aria-describedby", hint.id);
  return h("label", {}, h("span", {}, text), input, hint);
}

// [{name, kinds, element}]
function parameters() {
  const numbers = NUMBERS.map(([name, text, value, min, max, step, kinds, help]) => {
    const input = h("input", { type: "number", name, value, min, max, step, required: true });
    return { name, kinds, element: labelled(name, text, input, `${help} ${rangeText(min, max)}.`) };
  });
  const choices = CHOICES.map(([name, text, options, kinds, help]) => {
    const select = h(
      "select",
      { name },
      options.map(([value, word]) => h("option", { value }, word)),
    );
    return { name, kinds, element: labelled(name, text, select, help) };
  });
  const version = h("select", { name: "version" }, h("option", { value: "" }, "the active one"));
  const skip = h("input", { type: "checkbox", name: "skip_unreadable" });
  const auto = h("input", { type: "checkbox", name: "threshold_auto", checked: true });
  return [
    ...numbers,
    ...choices,
    {
      name: "threshold_auto",
      kinds: ["train"],
      element: labelled(
        "threshold_auto",
        "Choose the threshold",
        auto,
        "For the allowed misses and false alarms, instead of the threshold above.",
      ),
    },
    {
      name: "version",
      kinds: ["evaluate"],
      element: labelled("version", "Version", version, "The version to evaluate."),
    },
    {
      name: "skip_unreadable",
      kinds: KINDS.map(([kind]) => kind),
      element: labelled(
        "skip_unreadable",
        "Skip unreadable images",
        skip,
        "Otherwise the job fails with the name of the file.",
      ),
    },
  ];
}

// Makes the request body from the form.
export function bodyOf(form) {
  const body = { skip_unreadable: false };
  for (const [name, value] of new FormData(form)) {
    if (name === "kind" || name === "product" || value === "") continue;
    if (name === "skip_unreadable") body[name] = true;
    else if (name === "threshold_auto") body.threshold = "auto";
    else body[name] = NUMBERS.some(([number]) => number === name) ? Number(value) : value;
  }
  const { weight_good: good, weight_anomaly: anomaly, ...rest } = body;
  return good === undefined ? rest : { ...rest, class_weights: [good, anomaly] };
}

// A new product has no versions.
async function fillVersions(select, product) {
  const options = [h("option", { value: "" }, "the active one")];
  try {
    const { items: products } = await getJson("/v1/products");
    if (products.some((item) => item.product === product)) {
      const { items } = await getJson(`/v1/products/${encodeURIComponent(product)}/models`);
      options.push(...items.map(({ version }) => h("option", { value: version }, version)));
    }
  } catch (error) {
    notice(error.message);
  }
  select.replaceChildren(...options);
}

// Offers the datasets that exist. Only an admin may list them.
async function fillSets(list) {
  try {
    const { items } = await getJson("/v1/admin/datasets", { wait: LISTING_MS });
    const label = ({ images }) => (images === 1 ? "1 picture" : `${images} pictures`);
    list.replaceChildren(...items.map((set) => h("option", { value: set.dataset, label: label(set) })));
  } catch {
    // The name of a folder can be typed.
  }
}

// started(job) is called with the daemon's answer.
export function jobForm(product, started) {
  const kind = h(
    "select",
    { name: "kind", onchange: () => fit() },
    KINDS.map(([value, text]) => h("option", { value }, text)),
  );
  const fields = parameters();
  const usual = fields.filter(({ name }) => !MORE.includes(name));
  const more = fields.filter(({ name }) => MORE.includes(name));
  const fit = () => {
    for (const { kinds, element } of fields) {
      element.hidden = !kinds.includes(kind.value);
      element.querySelector("input, select").disabled = element.hidden;
    }
  };
  const start = async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    try {
      const to = encodeURIComponent(event.target.elements.product.value);
      started(await sendJson("POST", `/v1/admin/products/${to}/${kind.value}`, bodyOf(event.target)));
    } catch (error) {
      notice(error.message);
    } finally {
      button.disabled = false;
    }
  };
  const versions = usual.find(({ name }) => name === "version").element.querySelector("select");
  const name = h("input", {
    name: "product",
    required: true,
    value: product,
    pattern: "[A-Za-z0-9._\\-]{1,64}",
    onchange: () => fillVersions(versions, name.value),
  });
  const sets = h("datalist", { id: "job-datasets" });
  const dataset = h("input", { name: "dataset", required: true, maxlength: 1023, value: product, list: sets.id });
  const form = h(
    "form",
    { class: "job-form", "aria-label": "Start a job", onsubmit: start },
    h(
      "div",
      { class: "fields" },
      labelled("kind", "Job", kind, "A cross-validation or evaluation changes no model."),
      labelled("product", "Product", name, "A new name creates a product."),
      labelled("dataset", "Dataset", dataset, "Pictures of a product, or a folder below training.dataset_roots."),
      sets,
      usual.map(({ element }) => element),
    ),
    h(
      "details",
      {},
      h("summary", {}, "More parameters"),
      h(
        "div",
        { class: "fields" },
        more.map(({ element }) => element),
      ),
    ),
    h("p", { class: "buttons" }, h("button", { class: "primary" }, "Start")),
  );
  // Opens <details>, because the browser cannot show an invalid field in a closed one.
  form.addEventListener("invalid", () => form.querySelector("details").setAttribute("open", ""), true);
  fit();
  if (token()) fillSets(sets);
  if (product) fillVersions(versions, product);
  return form;
}
