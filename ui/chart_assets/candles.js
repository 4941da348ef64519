// The candles of the chart: those of a refresh, of the stream and of the past before them, put together so that what
// the reader sees does not move.
import { restoreRange, shiftBetween, showUsual, visibleRange } from "./range.js";

const IST = 19800; // the library reads times as UTC; shifted, its day breaks fall on Indian midnights
const DAY = 86400;
const RACE = 2; // a refresh can be older than the stream by so many candles

export const shifted = (time) => time + IST;
export const toUtc = (time) => time - IST;

function asCandle([time, open, high, low, close, volume]) {
  return { time: shifted(time), open, high, low, close, volume };
}

function isSame(a, b) {
  return a.time === b.time && a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume;
}

function asVolume(view, candle) {
  const color = candle.close >= candle.open ? view.colors.up : view.colors.down;
  return { time: candle.time, value: candle.volume, color: `${color}66` };
}

function grow(view, candle) {
  view.series.update(candle);
  view.volume.update(asVolume(view, candle));
}

export function paintVolume(view) {
  view.volume.setData(view.candles.map((candle) => asVolume(view, candle)));
}

function put(view, candles) {
  view.candles = candles;
  view.series.setData(candles);
  paintVolume(view);
  showBreaks(view);
}

function showBreaks(view) {
  const starts = (candle, before) => before && Math.floor(candle.time / DAY) !== Math.floor(before.time / DAY);
  const firsts = view.minutes ? view.candles.filter((candle, number) => starts(candle, view.candles[number - 1])) : [];
  view.sessions.show(firsts.map((candle) => candle.time));
}

// Return the candles of a refresh with what is on the screen before and after them.
function joined(view, fresh) {
  const [first, last] = [fresh[0], fresh[fresh.length - 1]];
  const known = view.candles;
  if (view.replay || !known.length || known[known.length - 1].time < first.time) return fresh;
  const older = known.filter((candle) => candle.time < first.time);
  const younger = known.filter((candle) => candle.time > last.time);
  const candles = [...older, ...fresh, ...(younger.length <= RACE ? younger : [])];
  const newest = known[known.length - 1];
  // The stream is at least as young as a refresh.
  if (view.ticks.isFresh() && candles[candles.length - 1].time === newest.time) candles[candles.length - 1] = newest;
  return candles;
}

function continues(before, after) {
  const end = before.length - 1;
  if (end < 0 || after.length <= end || after[end].time !== before[end].time) return false;
  for (let number = 0; number < end; number += 1) if (!isSame(before[number], after[number])) return false;
  return true;
}

export function showCandles(view, rows, name) {
  const isOther = view.name !== name;
  const fresh = rows.map(asCandle);
  const candles = isOther || !fresh.length ? fresh : joined(view, fresh);
  if (!isOther && continues(view.candles, candles)) {
    const known = view.candles.length;
    for (const candle of candles.slice(known - 1)) grow(view, candle);
    view.candles = candles;
    if (candles.length > known) showBreaks(view);
    return;
  }
  const range = isOther ? null : visibleRange(view);
  const ended = view.candles.length - 1;
  // A replay that goes back keeps its last candle where the reader has it, as one that goes on does.
  const follows = view.replay && range && range.from < ended && ended <= range.to;
  const shift = follows ? candles.length - 1 - ended : range ? shiftBetween(view.candles, candles) : null;
  view.name = name;
  put(view, candles);
  if (range && shift !== null) {
    view.chart.timeScale().setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  } else if (candles.length && !restoreRange(view)) {
    showUsual(view);
  }
}

export function prepend(view, rows) {
  const older = rows.map(asCandle).filter((candle) => candle.time < view.candles[0].time);
  const range = visibleRange(view);
  put(view, [...older, ...view.candles]);
  const shift = older.length;
  if (range) view.chart.timeScale().setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
}

// Take a candle of the stream; return whether it is on the screen now.
export function take(view, row) {
  const candle = asCandle(row);
  const last = view.candles[view.candles.length - 1];
  if (!view.alive || (last && candle.time < last.time)) return false;
  const isNew = !last || candle.time > last.time;
  // A new candle moves the chart; under a hand that drags it, it waits until that lets go.
  if (isNew && view.held) {
    view.waiting.set(row[0], row);
    return false;
  }
  grow(view, candle);
  if (isNew) view.candles.push(candle);
  else view.candles[view.candles.length - 1] = candle;
  if (isNew) showBreaks(view);
  return true;
}
