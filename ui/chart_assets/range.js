// The reader's zoom and position: changed by keys, kept over a reload, never touched by a refresh.

const PREFIX = "zonedesk-range:";

// Only what the reader does is kept: the library's own first range would overwrite it otherwise.
export function keepRange(view) {
  const keep = () =>
    requestAnimationFrame(() => {
      if (!view.alive || !view.candles.length) return;
      const range = view.chart.timeScale().getVisibleLogicalRange();
      if (!range) return;
      const kept = { first: view.candles[0].time, from: range.from, to: range.to };
      sessionStorage.setItem(PREFIX + view.name, JSON.stringify(kept));
      view.box.dataset.range = `${range.from.toFixed(3)} ${range.to.toFixed(3)}`;
    });
  for (const gesture of ["wheel", "pointerup", "keyup", "touchend"]) {
    view.box.addEventListener(gesture, keep, { passive: true });
  }
}

// Return by how many positions a candle that both hold has moved, null where they share none.
export function shiftBetween(before, after) {
  if (!before.length || !after.length) return null;
  const first = Math.max(before[0].time, after[0].time);
  const was = before.findIndex((candle) => candle.time >= first);
  const is = after.findIndex((candle) => candle.time >= first);
  return was < 0 || is < 0 ? null : is - was;
}

export function restoreRange(view) {
  const text = sessionStorage.getItem(PREFIX + view.name);
  if (!text) return false;
  try {
    const { first, from, to } = JSON.parse(text);
    const moved = view.candles.findIndex((candle) => candle.time >= first);
    if (moved < 0 || !Number.isFinite(from) || !Number.isFinite(to)) return false;
    view.chart.timeScale().setVisibleLogicalRange({ from: from + moved, to: to + moved });
    return true;
  } catch {
    sessionStorage.removeItem(PREFIX + view.name);
    return false;
  }
}

export function bindKeys(view, unpin) {
  view.box.addEventListener("keydown", (event) => {
    const scale = view.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range) return;
    const width = range.to - range.from;
    const show = (from, to) => scale.setVisibleLogicalRange({ from, to });
    const actions = {
      ArrowLeft: () => show(range.from - width * 0.1, range.to - width * 0.1),
      ArrowRight: () => show(range.from + width * 0.1, range.to + width * 0.1),
      "+": () => show(range.from + width * 0.1, range.to),
      "=": () => show(range.from + width * 0.1, range.to),
      "-": () => show(range.from - width * 0.1, range.to),
      End: () => scale.scrollToRealTime(),
      Escape: unpin,
    };
    const steps = view.replay && event.key.startsWith("Arrow"); // on the replay page the arrows step through time
    const isReset = event.altKey && event.key.toLowerCase() === "r";
    const action = isReset ? () => scale.resetTimeScale() : actions[event.key];
    if (!action || steps || (!isReset && (event.ctrlKey || event.metaKey || event.altKey))) return;
    event.preventDefault();
    action();
  });
}
