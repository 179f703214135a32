// Calls act() now and again `ms` after each call has ended, so that slow ones never overlap.
export function repeat(act, ms, signal) {
  let timer = null;
  const turn = async () => {
    try {
      await act();
    } catch {
      // said by whoever acts, or at the next turn
    }
    if (!signal?.aborted) timer = setTimeout(turn, ms);
  };
  signal?.addEventListener("abort", () => clearTimeout(timer));
  turn();
}
