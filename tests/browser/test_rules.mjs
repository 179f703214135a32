// The page's rules that need no page: when a line is unusual, when a shift began, what a threshold would have done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { metric, quiet, unusualRate } from "../../api/dashboard/judge.js";
import { shiftStart } from "../../api/dashboard/shift.js";
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
  assert.equal(whatIf(items, 0.5, { low: 0.4, high: 0.95 }).wrong, 0); // what a person looks at is not wrong
});

test("a metric is read by its whole name", () => {
  assert.equal(metric("# TYPE a_b gauge\na_b 7\na 3\n", "a"), 3);
  assert.equal(metric("a_b 7\n", "a"), null);
});
