// The summary of a dataset's folder: classes, entries that were passed over, and points to check.
import { h, table } from "./dom.js";

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

function passedOver({ count, text, images, examples }) {
  const inside = images ? `, with ${images} images` : "";
  return h(
    "li",
    {},
    `${count} ${text}${inside}: `,
    h("code", {}, examples.join(", ")),
    count > examples.length ? ", …" : "",
  );
}

function duplicates(found) {
  if (!found?.images) return null;
  const where = [
    found.across_splits && `${found.across_splits} in both train and test`,
    found.across_classes && `${found.across_classes} in more than one class`,
  ].filter(Boolean);
  return h(
    "p",
    {},
    `${found.images} duplicate images${where.length ? ` (${where.join(", ")})` : ""}: `,
    h("code", {}, found.examples.join("; ")),
  );
}

// with_boxes: undefined in jobs of an older daemon.
function masks({ defective, with_mask: masked, with_boxes: boxed, unused }) {
  if (!masked && !boxed && !unused) return null;
  return h(
    "p",
    {},
    `Masks: ${masked} of ${defective} defective images have one${boxed ? `, ${boxed} have boxes alone` : ""}${unused ? `, ${unused} belong to no image` : ""}.`,
  );
}

// scan: result.dataset.scan of a job; undefined in jobs of an older daemon.
export function scanSection(scan) {
  if (!scan) return null;
  const images = sum(scan.folders.map((folder) => folder.images));
  const title = `Dataset: ${images} images in ${scan.folders.length} folders`;
  const rows = scan.folders.map((folder) => [folder.folder, folder.class, `${folder.images}`]);
  const passed = scan.passed_over.length
    ? [h("h4", {}, "Passed over"), h("ul", {}, scan.passed_over.map(passedOver))]
    : h("p", {}, "Nothing was passed over.");
  return h(
    "section",
    { class: "scan", "aria-label": "Dataset" },
    scan.doubts.length
      ? h(
          "ul",
          { class: "doubts", "aria-label": "Please check" },
          scan.doubts.map((text) => h("li", {}, text)),
        )
      : null,
    h(
      "details",
      {},
      h("summary", {}, title),
      table("Folders", ["Folder", "Class", "Images"], rows),
      passed,
      duplicates(scan.duplicates),
      masks(scan.masks),
    ),
  );
}
