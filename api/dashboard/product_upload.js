// Uploads: zones for pictures and folders, one per class, and the queue that sends the files.
import { h } from "./dom.js";
import { sendFile } from "./net.js";
import { pictures } from "./product_words.js";

const AT_ONCE = 2;
const BUSY_MS = 1000; // until a refused upload is tried again
const BUSY_TIMES = 30;
const SHOWN = 20; // names of files that were not added
const DEFECT = "defect"; // the type of loose pictures without a name

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The type by the first bytes, because browsers go by the ending. null: neither JPEG nor PNG.
async function mediaOf(file) {
  const bytes = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  if (bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47) return "image/png";
  return null;
}

const readAll = async (reader) => {
  const entries = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return entries;
    entries.push(...some);
  }
};

// Lists the files below an entry of a drop: [{file, folder}], folder being the nearest one, or null.
async function walk(entry, folder = null) {
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), folder }];
  const found = [];
  for (const inner of await readAll(entry.createReader())) found.push(...(await walk(inner, entry.name)));
  return found;
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // before any await
  const loose = [...transfer.files];
  if (!entries.length) return loose.map((file) => ({ file, folder: null }));
  const found = [];
  for (const entry of entries) found.push(...(await walk(entry)));
  return found;
}

function chosen(input) {
  return [...input.files].map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) ?? null }));
}

// Files that systems put beside pictures are no error of the user's.
const ignored = ({ name }) => name.startsWith(".") || /^(thumbs\.db|desktop\.ini)$/i.test(name);

export class Uploads {
  #queue = [];
  #busy = 0;
  #done = 0;
  #total = 0;
  #added = 0;
  #problems = [];
  #stopped = false;

  // changed() is called after images were added.
  constructor(product, changed) {
    this.product = product;
    this.changed = changed;
    this.bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
    this.text = h("p", { role: "status" });
    this.list = h("ul", { class: "problems" });
    const cancel = () => {
      this.#total -= this.#queue.length;
      this.#queue = [];
      this.#show();
    };
    this.cancel = h("button", { type: "button", onclick: cancel }, "Stop the upload");
    this.element = h("div", { class: "upload", hidden: true }, this.text, this.bar, this.cancel, this.list);
  }

  stop() {
    this.#stopped = true;
    this.#queue = [];
  }

  // classOf(folder): the class of a file's folder, or null of a loose file
  add(found, classOf) {
    const wanted = found.filter(({ file }) => !ignored(file));
    if (!this.#busy) Object.assign(this, this.#reset());
    this.#queue.push(...wanted.map(({ file, folder }) => ({ file, name: classOf(folder) })));
    this.#total += wanted.length;
    this.element.hidden = false;
    this.#show();
    while (this.#busy < AT_ONCE && this.#queue.length) this.#work();
  }

  #reset() {
    this.#done = this.#total = this.#added = 0;
    this.#problems = [];
    return {};
  }

  async #work() {
    this.#busy++;
    while (this.#queue.length && !this.#stopped) {
      const next = this.#queue.shift();
      await this.#send(next);
      this.#done++;
      this.#show();
    }
    this.#busy--;
    if (this.#busy || this.#stopped) return;
    this.#show();
    this.changed();
  }

  async #send({ file, name }) {
    try {
      const type = await mediaOf(file);
      if (!type) throw new Error("neither a JPEG nor a PNG");
      const query = new URLSearchParams({ class: name, name: file.name });
      const path = `/v1/admin/products/${this.product}/dataset/images?${query}`;
      const { outcome, image } = await this.#patiently(() => sendFile(path, file, type));
      if (outcome === "added") this.#added++;
      else this.#problems.push(`${file.name}: already there${image ? `, as ${image.class}/${image.name}` : ""}`);
    } catch (error) {
      this.#problems.push(`${file.name}: ${error.message}`);
      if (error.status === 401 || error.status === 403 || error.status === 507) {
        this.#total -= this.#queue.length;
        this.#queue = []; // the others would fail too
      }
    }
  }

  // Other uploads may hold all places for a while.
  async #patiently(send) {
    for (let times = 0; ; times++) {
      try {
        return await send();
      } catch (error) {
        if (error.status !== 503 || times === BUSY_TIMES || this.#stopped) throw error;
        await pause(BUSY_MS);
      }
    }
  }

  #show() {
    const running = this.#busy > 0;
    this.bar.value = this.#total ? this.#done / this.#total : 1;
    this.bar.hidden = this.cancel.hidden = !running;
    const bad = this.#problems.length;
    const left = bad ? ` ${pictures(bad)} not added:` : "";
    this.text.textContent = running
      ? `Adding pictures: ${this.#done} of ${this.#total}`
      : `${pictures(this.#added)} added.${left}`;
    const shown = this.#problems.slice(0, SHOWN).map((text) => h("li", {}, text));
    if (bad > SHOWN) shown.push(h("li", {}, `and ${bad - SHOWN} more`));
    this.list.replaceChildren(...shown);
  }
}

// A zone to drop on, with buttons for the keyboard. give(found) gets [{file, folder}].
function zone(title, kind, hint, give, field) {
  const pick = (folder) => {
    const input = h("input", {
      type: "file",
      multiple: true,
      hidden: true,
      accept: folder ? null : "image/jpeg,image/png",
      webkitdirectory: folder,
      "data-class": kind,
      onchange: () => {
        give(chosen(input));
        input.value = "";
      },
    });
    const text = folder ? "Choose a folder" : "Choose pictures";
    return [
      input,
      h("button", { type: "button", "aria-label": `${text}: ${title}`, onclick: () => input.click() }, text),
    ];
  };
  const element = h(
    "div",
    { class: `zone ${kind === "good" ? "good" : "defect"}`, role: "group", "aria-label": title },
    h("h4", {}, title),
    field,
    h("p", { class: "hint" }, hint),
    h("p", { class: "buttons" }, pick(false), pick(true)),
  );
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) element.classList.remove("over");
  });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    dropped(event.dataTransfer).then(give);
  });
  return element;
}

const meansGood = (name) => /^(good|ok)$/i.test(name);

// Zones for good, each known defect type, and a new one.
export function zones(uploads, defects) {
  const of = (name) => (found) => uploads.add(found, () => name);
  const field = h("input", { type: "text", maxlength: 60, placeholder: DEFECT, autocomplete: "off" });
  const another = (found) =>
    uploads.add(found, (folder) => {
      const name = field.value.trim() || folder || DEFECT;
      return meansGood(name) ? "good" : name;
    });
  return h(
    "div",
    { class: "zones" },
    zone("Good parts", "good", "Drop pictures or folders of good parts here.", of("good")),
    defects.map((name) => zone(name, name, "Drop more pictures of this defect here.", of(name))),
    zone(
      defects.length ? "Another defect" : "Defective parts",
      "",
      "Drop pictures, or a folder per type of defect, which names the type. Good parts alone are enough to begin.",
      another,
      h("label", {}, "Type, if you like ", field),
    ),
  );
}
