// When the line deserves a loud word. Pure functions.

// Whether the newest verdicts leave the usual rate: more than three standard deviations of a binomial from what the
// whole window showed, and at least five verdicts away, so that a rare stray anomaly says nothing.
export function unusualRate(recent, statistics) {
  const all = statistics.good + statistics.anomaly, n = recent.length;
  if (n < 30 || all < 4 * n) return null;
  const found = recent.filter((item) => item.verdict === "anomaly").length;
  const usual = Math.min(0.98, Math.max(0.005, (statistics.anomaly - found) / (all - n)));
  const distance = found - n * usual;
  if (Math.abs(distance) < 5 || Math.abs(distance) <= 3 * Math.sqrt(n * usual * (1 - usual))) return null;
  return { found, of: n, usual, high: distance > 0 };
}

// Value of a metric without labels in Prometheus' text, or null.
export function metric(text, name) {
  const line = text.split("\n").find((l) => l.startsWith(`${name} `));
  return line ? Number(line.slice(name.length + 1)) : null;
}
