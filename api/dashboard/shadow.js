// The shadow: a version that runs beside the active one. Its counts, the pictures about which the two disagree, and its
// promotion.
import { card } from "./cards.js";
import { confirmed, dateTime, doing, h, notice, percent, verdictWord } from "./dom.js";
import { getJson, sendJson } from "./net.js";

const SHOWN = 24; // disagreements with their pictures

const pathOf = (product) => `/v1/admin/products/${product}/shadow`;
const parts = (count) => `${count.toLocaleString()} ${count === 1 ? "part" : "parts"}`;

// Says in words how far the shadow agrees.
export function shadowText({ counts, running, failure }) {
  if (!running) return failure ? `It does not run: ${failure}` : "It is being loaded.";
  if (failure) return `It fails: ${failure}`;
  if (!counts.parts) return "No part has been judged by both versions yet.";
  const { missed, rejected, disagree } = counts;
  const said = [
    missed && `${missed} that it would have passed`,
    rejected && `${rejected} that it would have rejected`,
    disagree - missed - rejected && `${disagree - missed - rejected} with another kind of reject`,
  ].filter(Boolean);
  const agreed = `Of ${parts(counts.parts)} both judged ${percent(counts.agree / counts.parts)} alike`;
  return said.length ? `${agreed}; they differ about ${said.join(", ")}.` : `${agreed}.`;
}

// Says which parts are not compared; a rule counts the last two kinds as missed.
function notCompared({ skipped, failed, lost }) {
  return [
    skipped && `The line had no time for ${parts(skipped)}.`,
    failed && `It failed about ${parts(failed)}.`,
    lost && `${parts(lost)} could not be stored and are missing here.`,
  ].filter(Boolean);
}

export function ruleText({ rule, outcome, counts }) {
  if (!rule) return "It becomes active only if somebody says so.";
  if (outcome === "stays") return "Its rule was not met: it becomes active only if somebody says so.";
  if (outcome === "failed") return "Its rule was met, but it could not be made active: the log says why.";
  const left = Math.max(0, rule.parts - counts.parts);
  return `It becomes active by itself after ${parts(left)} more, if at most ${rule.max_disagreements} verdicts differ and it passes at most ${rule.max_missed} that the active version does not.`;
}

async function disagreement({ id, active, shadow, probability }, signal) {
  const item = await getJson(`/v1/inspections/${id}`, { signal });
  const words = `active: ${verdictWord(active)}, shadow: ${verdictWord(shadow)} (${percent(probability)})`;
  return h("div", { class: "disagreement" }, h("p", {}, words), card(item, "small"));
}

async function pictures(list, signal) {
  const shown = await Promise.allSettled(list.slice(0, SHOWN).map((one) => disagreement(one, signal)));
  return shown.filter(({ status }) => status === "fulfilled").map(({ value }) => value); // the others are gone meanwhile
}

function buttons(product, version, changed) {
  const act = (text, question, method, url, kind) => {
    const run = async () => {
      if (!(await confirmed(question, text))) return;
      await sendJson(method, url);
      notice(`${text}: done.`);
      changed();
    };
    return h("button", { type: "button", class: kind, onclick: doing(run) }, text);
  };
  return h(
    "p",
    { class: "buttons" },
    act("Promote", `Serve ${product} ${version} from now on?`, "POST", `${pathOf(product)}/promote`, "primary"),
    act("End the shadow", `Run ${version} no longer beside the active version?`, "DELETE", pathOf(product)),
  );
}

// Makes the part of a product's shadow, which fills itself; hidden without one.
export function shadowPart(product, changed, signal) {
  const part = h("section", { class: "shadow", "aria-label": `Shadow of ${product}`, hidden: true });
  const fill = async () => {
    const { shadow: found } = await getJson(`/v1/products/${product}/shadow`, { signal });
    if (!found) return;
    const list = h("div", { class: "disagreements" });
    const content = [
      h("h3", {}, `Shadow: ${found.version}`),
      h("p", { class: "hint" }, `Runs beside the active version since ${dateTime(found.since)}, begun by ${found.by}`),
      h("p", { class: found.running && !found.failure ? "summary" : "failure" }, shadowText(found)),
      h("p", {}, ruleText(found)),
      ...notCompared(found.counts).map((text) => h("p", { class: "hint" }, text)),
      buttons(product, found.version, changed),
      list,
    ];
    part.replaceChildren(...content.filter(Boolean));
    part.hidden = false;
    list.replaceChildren(...(await pictures(found.disagreements, signal)));
  };
  fill().catch((error) => {
    if (signal.aborted) return;
    part.hidden = false;
    part.replaceChildren(h("p", { class: "failure" }, error.message));
  });
  return part;
}

// Makes the form that begins a shadow: with a rule or without one.
export function shadowForm({ product, version }, changed) {
  const number = (name, value, min) =>
    h("input", { type: "number", name, value, min, max: 1e9, step: 1, required: true });
  const ruled = h("input", { type: "checkbox", name: "ruled", onchange: () => (limits.disabled = !ruled.checked) });
  const limits = h(
    "fieldset",
    { class: "rule", disabled: true },
    h("label", {}, "after ", number("parts", 1000, 1), " parts, "),
    h("label", {}, "if at most ", number("max_disagreements", 2, 0), " verdicts differ "),
    h("label", {}, "and it passes at most ", number("max_missed", 0, 0), " that the active version does not"),
  );
  const begin = doing(async () => {
    const values = Object.fromEntries(new FormData(form));
    const names = ["parts", "max_disagreements", "max_missed"];
    const rule = ruled.checked ? Object.fromEntries(names.map((name) => [name, Number(values[name])])) : null;
    await sendJson("PUT", pathOf(product), { version, rule });
    notice(`${version} runs as the shadow of ${product}.`);
    changed();
  });
  const form = h(
    "form",
    {
      class: "shadow-form",
      onsubmit: (event) => {
        event.preventDefault();
        begin(event);
      },
    },
    h("p", { class: "hint" }, "It judges the same parts as the active version, whose verdicts alone count."),
    h("label", {}, ruled, " make it active by itself"),
    limits,
    h("p", { class: "buttons" }, h("button", { class: "primary" }, "Run as shadow")),
  );
  return form;
}
