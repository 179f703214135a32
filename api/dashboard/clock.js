// The daemon's clock, for ages and periods: the clock of a panel at the line may be hours off.
const NEAR_MS = 2000; // the daemon's Date header has whole seconds

let ahead = 0;

// Sets the clock by the Date header of an answer, which must come from the daemon and not from a cache.
export function learn(date) {
  const difference = Date.parse(date) + 500 - Date.now();
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) < NEAR_MS ? 0 : difference;
}

export const now = () => Date.now() + ahead;
