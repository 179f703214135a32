// Decides when the line needs a warning. Pure functions.

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// Says whether the newest verdicts leave the usual rate: by more than three standard deviations of a binomial, and by
// at least five verdicts, so that a single anomaly on a good line is no warning.
export function unusualRate(recent, statistics) {
  const all = statistics.good + statistics.anomaly + statistics.review;
  const n = recent.length;
  if (n < 30 || all < 4 * n) return null;
  const found = recent.filter((item) => item.verdict === "anomaly").length;
  const usual = Math.min(0.98, Math.max(0.005, (statistics.anomaly - found) / (all - n)));
  const distance = found - n * usual;
  if (Math.abs(distance) < 5 || Math.abs(distance) <= 3 * Math.sqrt(n * usual * (1 - usual))) return null;
  return { found, of: n, usual, high: distance > 0 };
}

const QUIET_FLOOR_MS = 60000;
const QUIET_FACTOR = 20;
const QUIET_SAMPLES = 20;

// Returns the milliseconds since the newest part if they are much longer than the time between the newest parts (newest
// first); else null, also after a break of a day.
export function quiet(recent, now) {
  if (recent.length < QUIET_SAMPLES) return null;
  const times = recent.slice(0, 100).map((item) => Date.parse(item.received_at));
  const gaps = times.slice(1).map((time, i) => times[i] - time);
  const silence = now - times[0];
  const long = Math.max(QUIET_FLOOR_MS, QUIET_FACTOR * median(gaps));
  return silence > long && silence < 86400e3 ? silence : null;
}

// Reads a metric without labels from Prometheus' text; null if it is missing.
export function metric(text, name) {
  const line = text.split("\n").find((l) => l.startsWith(`${name} `));
  return line ? Number(line.slice(name.length + 1)) : null;
}
