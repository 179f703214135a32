// Says in words how good a trained version is and what would help most. Pure functions, tested without a browser.
export const GOOD_MIN = 20; // a model from good parts alone needs as many
export const DEFECTS_MIN = 10; // below it good parts alone decide (mode auto)

const number = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
export const pictures = (count) => number(count, "picture");

// Of 100 parts at most so many: rounded up, because it is a bound.
const ofHundred = (share) => Math.min(100, Math.ceil(100 * share - 1e-9));

// classes: {good: 24, scratch: 6}
export function countClasses(classes) {
  const defects = Object.entries(classes).filter(([name]) => name !== "good");
  return { good: classes.good ?? 0, defective: defects.reduce((sum, [, count]) => sum + count, 0), defects };
}

// Why a training cannot start yet; null if it can.
export function missing(classes) {
  const { good, defective } = countClasses(classes);
  if (good >= GOOD_MIN || (defective >= DEFECTS_MIN && good >= 2)) return null;
  return `Add ${GOOD_MIN - good} more good ${GOOD_MIN - good === 1 ? "picture" : "pictures"}: a training needs ${GOOD_MIN}.`;
}

function promises({ good_only: good, threshold_promise: promise, mode }) {
  if (promise)
    return [
      `Of 100 good parts at most ${ofHundred(promise.rejected.at_most)} would be rejected, and of 100 defective ones at most ${ofHundred(promise.missed.at_most)} missed.`,
    ];
  if (good && mode !== "supervised") return [`Of 100 good parts at most ${ofHundred(good.alpha)} would be rejected.`];
  return [];
}

function trial({ confusion }) {
  const found = confusion.actual_anomaly.predicted_anomaly,
    missed = confusion.actual_anomaly.predicted_good;
  const rejected = confusion.actual_good.predicted_anomaly,
    passed = confusion.actual_good.predicted_good;
  const good = `${rejected} of ${number(rejected + passed, "good picture")} ${rejected === 1 ? "was" : "were"} rejected`;
  if (!found && !missed)
    return `In the trial with pictures that it had not seen, ${good}. There was no defective picture to try it on.`;
  return `In the trial with pictures that it had not seen, it found ${found} of ${number(found + missed, "defective picture")}, and ${good}.`;
}

// {headline, more: [sentence]} of a training's result. It says what is known with 95 % confidence first.
export function verdictWords(result) {
  const [headline, ...more] = [...promises(result), result.metrics?.confusion ? trial(result.metrics) : null].filter(
    Boolean,
  );
  const skipped = result.dataset?.skipped;
  if (skipped)
    more.push(
      `${pictures(skipped)} ${skipped === 1 ? "was" : "were"} left out: unreadable, or moved during the training.`,
    );
  return { headline: headline ?? "The training has ended.", more };
}

const wrongOnes = ({ images = [] }) => images.filter(({ wrong }) => wrong);

// Returns the advice on a result: sentences, the most helpful first.
export function advice(result, { bank }) {
  const { good, defective } = countClasses(result.dataset?.counts ?? {});
  const helps = [];
  const more = result.good_only?.more_needed;
  if (result.mode !== "supervised" && more)
    helps.push(
      `Add ${number(more, "more good picture")}: then at most ${ofHundred(result.good_only.max_rejected)} of 100 good parts would be rejected.`,
    );
  if (result.threshold_promise?.reason) helps.push(`To keep both promises: ${result.threshold_promise.reason}.`);
  const wrong = wrongOnes(result);
  if (wrong.length)
    helps.push(`Look at the ${number(wrong.length, "picture")} judged wrongly below: is the label right?`);
  if (result.mode === "good_only" && defective < DEFECTS_MIN)
    helps.push(
      `Add ${number(DEFECTS_MIN - defective, "more defective picture")}: with ${DEFECTS_MIN} it learns from them too, and not from good parts alone.`,
    );
  if (bank) helps.push("Fetch the recommended trunk under Models and train again: it finds subtler defects.");
  if (!helps.length && good) helps.push("Nothing stands out. Label doubtful parts of the line, and import them.");
  return helps;
}
