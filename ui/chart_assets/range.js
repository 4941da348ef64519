// The reader's zoom and position: changed by mouse and keys, kept over a reload, never touched by a refresh.

const PREFIX = "zonedesk-range:";
const ROLLS_OUT_MS = 1500; // a swipe goes on moving after the finger has left
const VISIBLE = 150;
const AHEAD = 14; // empty positions right of the last candle, for labels
const LEFT_EDGE = 20; // candles left of the screen below which older ones are fetched

export function visibleRange(view) {
  return view.candles.length ? view.chart.timeScale().getVisibleLogicalRange() : null;
}

// The library applies a range with its next frame; until then what was asked for is what the next key goes by.
function place(view, from, to) {
  view.placed = { from, to };
  view.chart.timeScale().setVisibleLogicalRange({ from, to });
}

export function isLive(view) {
  const range = visibleRange(view);
  return !range || range.to >= view.candles.length - 1;
}

export function isNearLeft(view) {
  const range = visibleRange(view);
  return Boolean(range) && range.from < LEFT_EDGE;
}

export function showUsual(view) {
  const length = view.candles.length;
  place(view, length - VISIBLE, length - 1 + AHEAD);
}

// Show the last candle, as wide as now.
export function goLive(view) {
  const range = visibleRange(view);
  if (!range) return;
  const width = range.to - range.from;
  const to = view.candles.length - 1 + Math.min(AHEAD, width / 8);
  place(view, to - width, to);
  write(view);
}

export function reset(view) {
  sessionStorage.removeItem(PREFIX + view.name);
  view.series.priceScale().setAutoScale(true);
  showUsual(view);
}

// Only what the reader does is written down: the library's own first range would overwrite it otherwise.
export function keepRange(view, moved) {
  let touched = -Infinity;
  const keep = () => {
    touched = performance.now();
    requestAnimationFrame(() => view.alive && write(view));
  };
  for (const gesture of ["wheel", "pointerup", "keyup", "touchend"]) {
    view.box.addEventListener(gesture, keep, { passive: true });
  }
  view.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    view.placed = null;
    if (!view.alive || !range || !view.candles.length) return;
    view.box.dataset.range = `${range.from.toFixed(3)} ${range.to.toFixed(3)}`;
    if (performance.now() - touched < ROLLS_OUT_MS) write(view);
    moved();
  });
}

// Write a position down beside a candle that will still be there: the last one while it is seen, or one on the screen.
function write(view) {
  const range = visibleRange(view);
  if (!range) return;
  const live = isLive(view);
  const last = view.candles.length - 1;
  const at = live ? last : Math.min(last, Math.max(0, Math.floor(range.to)));
  const price = view.series.priceScale();
  const prices = price.options().autoScale ? null : price.getVisibleRange();
  const kept = { live, time: view.candles[at].time, from: range.from - at, to: range.to - at, prices };
  sessionStorage.setItem(PREFIX + view.name, JSON.stringify(kept));
}

export function restoreRange(view) {
  const text = sessionStorage.getItem(PREFIX + view.name);
  if (!text) return false;
  try {
    const { live, time, from, to, prices } = JSON.parse(text);
    const at = live ? view.candles.length - 1 : view.candles.findIndex((candle) => candle.time >= time);
    if (at < 0 || !Number.isFinite(from) || !Number.isFinite(to)) return false;
    place(view, from + at, to + at);
    if (prices) view.series.priceScale().setVisibleRange(prices);
    return true;
  } catch {
    sessionStorage.removeItem(PREFIX + view.name);
    return false;
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

export function bindKeys(view, unpin) {
  view.box.addEventListener("keydown", (event) => {
    if (event.target !== view.box) return; // a button inside has keys of its own
    const range = view.placed ?? visibleRange(view);
    if (!range) return;
    const width = range.to - range.from;
    const show = (from, to) => place(view, from, to);
    const actions = {
      ArrowLeft: () => show(range.from - width * 0.1, range.to - width * 0.1),
      ArrowRight: () => show(range.from + width * 0.1, range.to + width * 0.1),
      "+": () => show(range.from + width * 0.1, range.to),
      "=": () => show(range.from + width * 0.1, range.to),
      "-": () => show(range.from - width * 0.1, range.to),
      End: () => goLive(view),
      Escape: unpin,
    };
    const steps = view.replay && event.key.startsWith("Arrow"); // on the replay page the arrows step through time
    const isReset = event.altKey && event.code === "KeyR";
    const action = isReset ? () => reset(view) : actions[event.key];
    if (!action || steps || (!isReset && (event.ctrlKey || event.metaKey || event.altKey))) return;
    event.preventDefault();
    action();
  });
}
