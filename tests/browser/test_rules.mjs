// Rules that need no page: unusual rates, beginnings of shifts, the preview of a threshold, pinned parts.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import {
  acknowledge,
  acknowledgeAll,
  acknowledgements,
  idBefore,
  migrate,
  timeOf,
} from "../../api/dashboard/acknowledged.js";
import { learn, now } from "../../api/dashboard/clock.js";
import { duration, limitText, milliseconds, probability } from "../../api/dashboard/dom.js";
import { driftText, drifting } from "../../api/dashboard/drift.js";
import { metric, quiet, unusualRate } from "../../api/dashboard/judge.js";
import { PinList } from "../../api/dashboard/pin_list.js";
import { advice, countClasses, missing, verdictWords } from "../../api/dashboard/product_words.js";
import { repeat } from "../../api/dashboard/repeat.js";
import { ruleText, shadowText } from "../../api/dashboard/shadow.js";
import { shiftStart } from "../../api/dashboard/shift.js";
import { stageMedians } from "../../api/dashboard/stages.js";
import { readStored, writeStored } from "../../api/dashboard/stored.js";
import { verdictOf, whatIf } from "../../api/dashboard/threshold.js";

const verdicts = (anomalies, of) =>
  Array.from({ length: of }, (_, i) => ({ verdict: i < anomalies ? "anomaly" : "good" }));
const week = (good, anomaly, review = 0) => ({ good, anomaly, review });

test("a rate is unusual only where it is far and there is enough to tell", () => {
  assert.equal(unusualRate(verdicts(29, 29), week(9000, 100)), null); // too few
  assert.equal(unusualRate(verdicts(50, 100), week(200, 60)), null); // no usual to hold it against
  assert.equal(unusualRate(verdicts(3, 100), week(9900, 100)), null); // chance
  assert.equal(unusualRate(verdicts(12, 100), week(9900, 100)).high, true);
  assert.equal(unusualRate(verdicts(0, 100), week(5000, 4900)).high, false);
  assert.equal(unusualRate(verdicts(12, 100), week(100, 100, 9800)).of, 100); // parts to review count as parts
});

test("drift is told by the last day with enough parts", () => {
  const day = (state, more = {}) => ({ day: "2026-11-24", state, high: 0.3, low: 0.02, limit: 0.2, ...more });
  assert.equal(drifting([day("higher")]), true);
  assert.equal(drifting([day("lower"), day("few")]), true);
  assert.equal(drifting([day("higher"), day("few"), day("few")]), false);
  assert.equal(drifting([day("higher"), day("none")]), false);
  assert.match(driftText([day("higher")]), /^Drift, more suspicious.*30\.0 %.*highest tenth/);
  assert.match(driftText([day("lower")]), /^Drift, less suspicious.*2\.0 %.*lowest tenth/);
  assert.match(driftText([day("few")]), /^Fewer than 50/);
  assert.match(driftText([day("unknown")]), /keeps no scores/);
});

test("a shadow is told by what it would have changed", () => {
  const counts = { parts: 200, agree: 197, disagree: 3, missed: 1, rejected: 2, skipped: 0 };
  const rule = { parts: 500, max_disagreements: 4, max_missed: 0 };
  assert.match(
    shadowText({ counts, running: true }),
    /Of 200 parts both judged 98.5 % alike; .*1 that it would have passed, 2 that/,
  );
  assert.match(shadowText({ counts: { ...counts, parts: 0 }, running: true }), /No part/);
  assert.match(shadowText({ counts, running: false, failure: "damaged" }), /does not run: damaged/);
  assert.match(shadowText({ counts, running: true, failure: "no memory" }), /It fails: no memory/);
  assert.match(ruleText({ counts, rule: null, outcome: null }), /only if somebody/);
  assert.match(ruleText({ counts, rule, outcome: null }), /after 300 parts more, if at most 4 .* at most 0/);
  assert.match(ruleText({ counts, rule, outcome: "stays" }), /was not met/);
});

test("a line is quiet after much longer than between its parts", () => {
  const every = (ms, count) =>
    Array.from({ length: count }, (_, i) => ({ received_at: new Date(1e12 - i * ms).toISOString() }));
  assert.equal(quiet(every(1000, 50), 1e12 + 59000), null); // a minute is always allowed
  assert.equal(quiet(every(1000, 50), 1e12 + 61000), 61000);
  assert.equal(quiet(every(10000, 50), 1e12 + 190000), null);
  assert.equal(quiet(every(10000, 50), 1e12 + 210000), 210000);
  assert.equal(quiet(every(1000, 5), 1e12 + 61000), null); // too few to know
  assert.equal(quiet(every(1000, 50), 1e12 + 2 * 86400e3), null); // a break of days
});

test("the shift that runs began at its start or whole lengths after it", () => {
  const at = (text) => new Date(`2026-03-03T${text}:00`); // local time, as on the line
  const hours = (text, start, length) => shiftStart(at(text), { start, hours: length }).getTime();
  assert.equal(hours("07:30", "06:00", 8), at("06:00").getTime());
  assert.equal(hours("06:00", "06:00", 8), at("06:00").getTime());
  assert.equal(hours("23:10", "06:00", 8), at("22:00").getTime());
  assert.equal(hours("05:59", "06:00", 8), at("22:00").getTime() - 86400e3);
  assert.equal(hours("05:59", "06:00", 24), at("06:00").getTime() - 86400e3);
});

test("a threshold and a band are tried as the daemon would judge", () => {
  assert.equal(verdictOf(0.5, 0.5, null), "anomaly");
  assert.equal(verdictOf(0.49, 0.5, null), "good");
  assert.equal(verdictOf(0.3, 0.5, { low: 0.3, high: 0.6 }), "review");
  assert.equal(verdictOf(0.6, 0.5, { low: 0.3, high: 0.6 }), "anomaly");
  const items = [
    { probability: 0.1, verdict: "good", label: null },
    { probability: 0.45, verdict: "good", label: { label: "anomaly" } },
    { probability: 0.9, verdict: "anomaly", label: { label: "good" } },
  ];
  const would = whatIf(items, 0.4, null);
  assert.deepEqual(would.counts, { good: 1, anomaly: 2, review: 0 });
  assert.deepEqual(
    would.changed.map(({ verdict }) => verdict),
    ["anomaly"],
  );
  assert.deepEqual([would.labelled, would.wrong], [2, 1]);
  assert.equal(whatIf(items, 0.5, { low: 0.4, high: 0.95 }).wrong, 0); // a part for review is not wrong
  const doubtful = items.map((item) => ({ ...item, suspect: true }));
  assert.deepEqual(whatIf(doubtful, 0.4, null).counts, { good: 0, anomaly: 2, review: 1 }); // never good
});

test("the page's modules import each other without circles", () => {
  const folder = new URL("../../api/dashboard/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const imports = new Map(
    names.map((name) => [
      name,
      [...readFileSync(new URL(name, folder), "utf8").matchAll(/^(?:import|export) .*?from "\.\/([^"]+)"/gms)].map(
        (m) => m[1],
      ),
    ]),
  );
  const walk = (name, path) => {
    assert.ok(!path.includes(name), `a circle: ${[...path, name].join(" -> ")}`);
    for (const next of imports.get(name) ?? []) walk(next, [...path, name]);
  };
  assert.ok(imports.get("app.js").length > 3);
  for (const name of names) walk(name, []);
});

test("a metric is read by its whole name", () => {
  assert.equal(metric("# TYPE a_b gauge\na_b 7\na 3\n", "a"), 3);
  assert.equal(metric("a_b 7\n", "a"), null);
});

// The browser's local storage, as far as the page uses it.
class FakeStorage {
  values = new Map();
  full = false;
  getItem = (key) => this.values.get(key) ?? null;
  removeItem = (key) => this.values.delete(key);
  setItem(key, value) {
    if (this.full) throw new Error("QuotaExceededError");
    this.values.set(key, `${value}`);
  }
}
const storage = () => (globalThis.localStorage = new FakeStorage());
const NOON = Date.UTC(2026, 2, 3, 12);
// An inspection that began at a second after noon.
const part = (second, product = "carpet") => ({ id: idBefore(NOON + 1000 * second), product });

test("an id says when its inspection began", () => {
  assert.equal(timeOf("019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f"), 0x019ab7a04f2c);
  assert.equal(timeOf(idBefore(NOON)), NOON);
  assert.ok(idBefore(NOON) < idBefore(NOON + 1));
});

test("a part is acknowledged for its own product only, one by one or all", () => {
  storage();
  acknowledge(part(1));
  assert.deepEqual([part(1), part(2), part(1, "screws")].map(acknowledgements()), [true, false, false]);
  acknowledgeAll([part(100), part(99), part(50)]);
  const seen = acknowledgements();
  assert.ok([part(100), part(99), part(50), part(1)].every(seen));
  assert.ok(seen(part(2)), "older ones are acknowledged with them");
  assert.ok(!seen(part(98)), "one that began before the newest, and is reported after it, is not");
  assert.ok(!seen(part(101)));
  assert.ok(![part(1, "screws"), part(50, "screws")].some(seen));
  acknowledgeAll([part(10, "screws"), part(200)]);
  assert.deepEqual([part(10, "screws"), part(200), part(200, "screws")].map(acknowledgements()), [true, true, false]);
});

test("acknowledgements hold in the tab where the storage takes none", () => {
  storage().full = true;
  acknowledge(part(3, "full"));
  assert.ok(acknowledgements()(part(3, "full")));
});

test("a damaged value is as good as none, and the next one replaces it", () => {
  const { values } = storage();
  for (const damaged of ["", "{", "null", "7", '"text"', "[]", '{"upTo":5,"ids":[]}', '{"upTo":"zzz","ids":[]}']) {
    values.set("acknowledged:carpet", damaged);
    assert.ok(!acknowledgements()(part(1)), damaged);
    acknowledge(part(1));
    assert.ok(acknowledgements()(part(1)), damaged);
  }
  assert.equal(
    readStored("nothing", () => true),
    null,
  );
  assert.equal(writeStored("something", [1]), true);
  assert.deepEqual(
    readStored("something", () => true),
    [1],
  );
});

test("the old value for all products goes to the product of its newest part", async () => {
  const { values } = storage();
  values.set("acknowledged", JSON.stringify({ upTo: part(50).id, ids: [part(60, "screws").id] }));
  await migrate(NOON + 3600e3, async (id) => (id === part(50).id ? "carpet" : assert.fail(id)));
  assert.deepEqual([part(50), part(10), part(51), part(60, "screws"), part(40, "screws")].map(acknowledgements()), [
    true,
    true,
    false,
    true,
    false,
  ]);
  acknowledge(part(70, "screws"));
  assert.deepEqual([part(60, "screws"), part(70, "screws")].map(acknowledgements()), [true, true]);
  await migrate(NOON + 3600e3, () => assert.fail("asked twice"));
  await migrate(NOON + 2 * 86400e3, () => assert.fail("asked for what is past"));
  assert.equal(values.has("acknowledged"), false);
});

test("an old value whose newest part is gone acknowledges no product", async () => {
  const { values } = storage();
  values.set("acknowledged", JSON.stringify({ upTo: part(50).id, ids: [] }));
  await migrate(NOON + 3600e3, async () => null);
  assert.ok(!acknowledgements()(part(10)));
});

test("the newest pins are kept whole, the others counted", () => {
  const list = new PinList(3, 4);
  for (const second of [5, 1, 9, 5, 7, 3]) list.add(part(second));
  assert.deepEqual(
    list.items.map(({ id }) => id),
    [9, 7, 5].map((second) => part(second).id),
  );
  assert.deepEqual([list.count, list.beyond, list.uncounted], [5, 2, false]);
  list.add(part(1));
  assert.equal(list.count, 5);
  for (const second of [10, 11, 12]) list.add(part(second, "screws"));
  assert.deepEqual([list.items.length, list.beyond, list.uncounted], [3, 4, true]);
  assert.equal(list.all.length, 7);
  list.drop(({ product }) => product === "screws");
  assert.deepEqual([list.items.length, list.count], [0, 4]);
  list.add(part(7));
  assert.equal(list.items.length, 0, "it is counted already");
  list.clear();
  assert.deepEqual([list.count, list.uncounted], [0, false]);
});

test("a probability is never printed on the other side of its threshold, nor as certain", () => {
  for (const [p, limits, text] of [
    [0.4996, [0.5], "49.96 %"],
    [0.49999999, [0.5], "< 50 %"],
    [0.5, [0.5], "50.0 %"],
    [0.50001, [0.5], "50.0 %"],
    [0.124, [0.125], "12.4 %"],
    [0.12499, [0.125], "12.499 %"],
    [0.4834, [0.48336], "48.34 %"],
    [0.2996, [0.5, 0.3, 0.6], "29.96 %"],
    [0.59999, [0.5, 0.3, 0.6], "59.999 %"],
    [0.9996, [0.5], "> 99.9 %"],
    [0.9996, [0.9997], "99.96 %"],
    [0.99975, [0.9997], "99.98 %"],
    [0.0004, [0.5], "< 0.1 %"],
    [0.0004, [0.0005], "0.04 %"],
    [0, [0.5], "0.0 %"],
    [1, [0.5], "100.0 %"],
    [0.751, [undefined, null], "75.1 %"],
  ])
    assert.equal(probability(p, ...limits), text, `${p} with ${limits}`);
  const number = (text) => Number(/[\d.]+/.exec(text)[0]);
  for (let i = 0; i <= 10000; i++) {
    const p = i / 10000;
    for (const limit of [0.5, 0.125, 0.1, 0.07, 0.483049, 0.48336, 0.99951, 0.0004]) {
      const text = probability(p, limit);
      if (!/[<>≥]/.test(text)) assert.equal(number(text) >= number(limitText(limit)), p >= limit, `${p} at ${limit}`);
    }
  }
});

test("the stages' medians leave out what old records lack", () => {
  const item = (receive, decode) => ({ timing_ms: { receive, decode, queue: 0, total: 9 } });
  assert.deepEqual(stageMedians([item(null, 1), item(5, 3), item(7, 2), item(6, 9)]), {
    receive: 6,
    decode: 3,
    queue: 0,
  });
  assert.deepEqual(stageMedians([]), {});
});

test("times are rounded before they are split", () => {
  assert.deepEqual([0, 59.4, 59.6, 119.6, 3599.6, 86399.7].map(duration), [
    "0 s",
    "59 s",
    "1 min 0 s",
    "2 min 0 s",
    "1 h 0 min",
    "1 d 0 h",
  ]);
  assert.deepEqual(
    [0, 0.04, 3.14, 1633.2, 12345].map((ms) => milliseconds(ms).replace("\u00a0", " ")),
    ["0 ms", "0.0 ms", "3.1 ms", "1633 ms", "12.3 s"],
  );
});

test("a threshold is printed with the digits that it has, and the same everywhere", () => {
  for (const [limit, text] of [
    [0.5, "50 %"],
    [0.125, "12.5 %"],
    [0.07, "7 %"],
    [0.4837213, "48.37 %"],
    [0.99999, "99.999 %"],
    [1e-7, "0.00001 %"],
    [0, "0 %"],
    [1, "100 %"],
    [null, "–"],
  ])
    assert.equal(limitText(limit), text);
});

test("the daemon's clock is followed where it is far from the page's", () => {
  learn(new Date(Date.now() + 1000).toUTCString());
  assert.ok(Math.abs(now() - Date.now()) < 50);
  learn(new Date(Date.now() - 7200e3).toUTCString());
  assert.ok(Math.abs(now() - (Date.now() - 7200e3)) < 1500);
  learn("no date");
  learn(null);
  assert.ok(Math.abs(now() - (Date.now() - 7200e3)) < 1500);
  learn(new Date().toUTCString());
  assert.ok(Math.abs(now() - Date.now()) < 50);
});

test("what is repeated never overlaps, goes on after a failure, and stops", async (t) => {
  const old = parseInt(process.versions.node) < 20; // Node.js 18 takes the list alone
  t.mock.timers.enable(old ? ["setTimeout"] : { apis: ["setTimeout"] });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const stop = new AbortController();
  const ends = [];
  repeat(() => new Promise((resolve, reject) => ends.push({ resolve, reject })), 100, stop.signal);
  t.mock.timers.tick(1000);
  assert.equal(ends.length, 1);
  ends[0].reject(new Error("the daemon does not answer"));
  await turn();
  t.mock.timers.tick(99);
  assert.equal(ends.length, 1);
  t.mock.timers.tick(1);
  assert.equal(ends.length, 2);
  stop.abort();
  ends[1].resolve();
  await turn();
  t.mock.timers.tick(1000);
  assert.equal(ends.length, 2);
});

const confusion = (found, missed, rejected, passed) => ({
  actual_anomaly: { predicted_anomaly: found, predicted_good: missed },
  actual_good: { predicted_anomaly: rejected, predicted_good: passed },
});

test("a training says what it needs", () => {
  assert.deepEqual(countClasses({ good: 24, scratch: 4, dent: 2 }), {
    good: 24,
    defective: 6,
    defects: [
      ["scratch", 4],
      ["dent", 2],
    ],
  });
  assert.equal(missing({ good: 20 }), null);
  assert.equal(missing({ good: 5, dent: 10 }), null);
  assert.match(missing({}), /^Add 20 more good pictures/);
  assert.match(missing({ good: 19, dent: 9 }), /^Add 1 more good picture:/);
});

test("how good a version is stands in whole parts of a hundred, rounded to the side that the promise holds on", () => {
  const good = { mode: "good_only", good_only: { alpha: 0.1173, max_rejected: 0.05, more_needed: 35 } };
  const result = {
    ...good,
    metrics: { confusion: confusion(6, 0, 1, 23) },
    dataset: { counts: { good: 24, dent: 6 } },
  };
  const { headline, more } = verdictWords(result);
  assert.equal(headline, "Of 100 good parts at most 12 would be rejected.");
  assert.deepEqual(more, [
    "In the trial with pictures that it had not seen, it found 6 of 6 defective pictures, and 1 of 24 good pictures was rejected.",
  ]);
  const [first, second, third] = advice(result, { bank: true });
  assert.match(first, /^Add 35 more good pictures: then at most 5 of 100/);
  assert.match(second, /^Add 4 more defective pictures/);
  assert.match(third, /recommended trunk/);
  const both = {
    mode: "supervised",
    threshold_promise: {
      rejected: { at_most: 0.03 },
      missed: { at_most: 0.061 },
      reason: "29 more anomalies are needed",
    },
    metrics: { confusion: confusion(0, 0, 0, 12) },
    images: [{ wrong: true }, { wrong: false }],
  };
  assert.equal(
    verdictWords(both).headline,
    "Of 100 good parts at most 3 would be rejected, and of 100 defective ones at most 7 missed.",
  );
  assert.match(verdictWords(both).more[0], /no defective picture/);
  assert.match(advice(both, {})[0], /29 more anomalies are needed/);
  assert.match(advice(both, {})[1], /1 picture judged wrongly/);
  assert.equal(verdictWords({}).headline, "The training has ended.");
  assert.deepEqual(verdictWords({ dataset: { skipped: 2 } }), {
    headline: "The training has ended.",
    more: ["2 pictures were left out: unreadable, or moved during the training."],
  });
});
