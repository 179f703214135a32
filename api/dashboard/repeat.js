// Calls act() now, and again `ms` after each call has ended, so that slow calls never overlap.
export function repeat(act, ms, signal) {
  let timer = null;
  const turn = async () => {
    try {
      await act();
    } catch {
      // act() reports its errors, or succeeds at the next turn.
    }
    if (!signal?.aborted) timer = setTimeout(turn, ms);
  };
  signal?.addEventListener("abort", () => clearTimeout(timer));
  turn();
}
