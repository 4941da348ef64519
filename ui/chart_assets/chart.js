// The candle chart of the dashboard. Called again with new data on every refresh: the chart itself is kept, so that
// zoom and position are the reader's own. All text is drawn on a canvas or set as text, never as markup.
import {
  createChart, createSeriesMarkers, createTextWatermark, CandlestickSeries, CrosshairMode, HistogramSeries,
} from "./lightweight-charts.mjs";
import { paintVolume, prepend, shifted, showCandles, take, toUtc } from "./candles.js";
import { Levels } from "./levels.js";
import { asRupees, Notes, short } from "./notes.js";
import { Older } from "./older.js";
import { BreakLines, SessionBreaks, VolumeProfileBars, ZoneBoxes } from "./overlays.js";
import { bindKeys, keepRange } from "./range.js";
import { bindSteps } from "./steps.js";
import { Ticks } from "./ticks.js";

const charts = new WeakMap();
const LABEL =
  "Candle chart. Arrows scroll (in a replay they step one candle), plus and minus zoom, End goes to the last candle, Alt R resets.";

function css(element, name, fallback) {
  return getComputedStyle(element).getPropertyValue(name).trim() || fallback;
}

function palette(element, colors) {
  return {
    ...colors,
    demand: colors.up,
    supply: colors.down,
    text: css(element, "--st-text-color", "#D1D4DC"),
    background: css(element, "--st-background-color", "#131722"),
    line: css(element, "--st-border-color", "#2A2E39"),
  };
}

function frame(parent, height) {
  const box = document.createElement("div");
  box.className = "zonedesk-chart";
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  box.setAttribute("aria-label", LABEL);
  box.style.cssText = `position:relative;width:100%;height:${height}px`;
  parent.appendChild(box);
  return box;
}

function build(parent, data) {
  const box = frame(parent, data.height);
  const colors = palette(parent, data.colors);
  const chart = createChart(box, {
    autoSize: true,
    layout: { background: { color: "transparent" }, textColor: colors.text, attributionLogo: true },
    grid: { vertLines: { color: colors.line }, horzLines: { color: colors.line } },
    rightPriceScale: { borderColor: colors.line, scaleMargins: { top: 0.1, bottom: 0.22 } },
    timeScale: { borderColor: colors.line, timeVisible: true, secondsVisible: false, rightOffset: 14 },
    crosshair: { mode: CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false }, // on a phone the page must scroll on past the chart
  });
  const format = { type: "custom", minMove: 0.05, formatter: asRupees };
  const series = chart.addSeries(CandlestickSeries, { borderVisible: false, priceFormat: format, lastValueVisible: false, priceLineVisible: false });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false,
    priceFormat: { type: "custom", minMove: 1, formatter: short },
  });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  const layers = {
    profile: new VolumeProfileBars(colors), sessions: new SessionBreaks(colors), bands: new ZoneBoxes(colors),
    zones: new ZoneBoxes(colors), breaks: new BreakLines(colors),
  };
  for (const layer of Object.values(layers)) series.attachPrimitive(layer);
  const view = {
    parent, box, chart, series, volume, ...layers, layers: Object.values(layers), colors, toUtc,
    marks: createSeriesMarkers(series, []), candles: [], name: "", title: "", minutes: 0, replay: "",
    alive: true, held: false, waiting: new Map(), refresh: null, at: null,
  };
  view.levels = new Levels(view);
  view.notes = new Notes(view);
  view.older = new Older(view, (rows) => {
    prepend(view, rows);
    tellLoaded(view);
  });
  view.ticks = new Ticks((row) => tick(view, row), () => toUtc(view.candles[view.candles.length - 1]?.time));
  paint(view, colors);
  listen(view);
  return view;
}

function paint(view, colors) {
  view.colors = colors;
  view.series.applyOptions({ upColor: colors.up, downColor: colors.down, wickUpColor: colors.up, wickDownColor: colors.down });
  view.chart.applyOptions({
    layout: { textColor: colors.text },
    grid: { vertLines: { color: colors.line }, horzLines: { color: colors.line } },
    rightPriceScale: { borderColor: colors.line },
    timeScale: { borderColor: colors.line },
  });
  for (const layer of view.layers) layer.colors = colors;
  view.notes.paint(colors);
  paintVolume(view);
}

function listen(view) {
  view.chart.subscribeCrosshairMove((event) => {
    if (!view.alive) return;
    view.at = event.point && event.logical !== undefined ? event.logical : null;
    view.notes.hover(zoneAt(view, event));
    view.notes.candle(view.at);
  });
  view.chart.subscribeClick((event) => view.notes.pin(zoneAt(view, event)));
  bindKeys(view, () => view.notes.pin(null));
  keepRange(view, () => {
    view.notes.place();
    view.levels.spread();
    view.older.look();
  });
  const hold = () => { view.held = true; };
  const letGo = () => view.held && requestAnimationFrame(() => release(view));
  view.box.addEventListener("pointerdown", hold, true);
  for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, letGo);
  view.unlisten = () => {
    for (const end of ["pointerup", "pointercancel", "blur"]) window.removeEventListener(end, letGo);
  };
}

// What came while the chart was being dragged.
function release(view) {
  view.held = false;
  if (!view.alive) return;
  const refresh = view.refresh;
  view.refresh = null;
  if (refresh) show(view, refresh.data, refresh.parentElement);
  const rows = [...view.waiting.values()];
  view.waiting.clear();
  for (const row of rows) tick(view, row);
}

function zoneAt(view, event) {
  if (!event.point) return null;
  const price = view.series.coordinateToPrice(event.point.y);
  const time = event.time ?? Infinity;
  const under = [...(view.zones.data || []), ...(view.bands.data || [])].filter(
    (zone) => zone.low <= price && price <= zone.high && zone.from <= time,
  );
  return under.sort((a, b) => a.high - a.low - (b.high - b.low))[0] || null;
}

function tick(view, row) {
  if (!view.box.isConnected) end(view); // the page was left while the chart was being drawn
  if (!take(view, row)) return;
  view.levels.last(row[4]);
  view.box.dataset.ticks = String(Number(view.box.dataset.ticks || 0) + 1);
  tellLoaded(view);
  view.notes.candle(view.at);
}

function tellLoaded(view) {
  view.box.dataset.loaded = String(view.candles.length);
}

// A chart of the past must not be taken for the present: its frame and a word across it say so.
function showReplay(view, label) {
  if (view.replay === label) return;
  view.replay = label;
  view.box.dataset.replay = label;
  view.notes.frame();
  view.unbindSteps?.();
  view.unbindSteps = label ? bindSteps() : null;
  view.watermark?.detach();
  const line = { text: "REPLAY", color: "rgba(140, 110, 230, 0.22)", fontSize: 72, fontStyle: "bold" };
  view.watermark = label ? createTextWatermark(view.chart.panes()[0], { horzAlign: "center", vertAlign: "center", lines: [line] }) : null;
}

function show(view, data, parentElement) {
  showReplay(view, data.replay);
  const colors = palette(parentElement, data.colors);
  if (JSON.stringify(colors) !== JSON.stringify(view.colors)) paint(view, colors);
  if (view.title !== data.title) view.waiting.clear();
  view.title = data.title;
  view.minutes = data.minutes;
  view.live = data.live;
  showCandles(view, data.candles, data.title);
  const placed = (boxes) => boxes.map((zone) => ({ ...zone, from: shifted(zone.from) }));
  view.zones.show(placed(data.zones));
  view.bands.show(placed(data.bands));
  view.breaks.show(data.breaks.map((line) => ({ ...line, from: shifted(line.from), to: shifted(line.to) })));
  view.profile.show(data.profile);
  view.levels.show(data);
  if (!view.ticks.isFresh()) view.levels.last(data.ltp);
  view.levels.marks(data, shifted);
  view.ticks.listen(data.live ? data.minutes : null);
  view.notes.renew([...view.zones.data, ...view.bands.data]);
  view.notes.candle(view.at);
  view.notes.place();
  tell(view, data);
}

// What is drawn, for whoever cannot see it: tests, and people who look into the page.
function tell(view, data) {
  tellLoaded(view);
  Object.assign(view.box.dataset, {
    candles: String(data.candles.length),
    zones: String(data.zones.length),
    bands: String(data.bands.length),
    last: String(data.candles.length ? data.candles[data.candles.length - 1][0] : ""),
    marks: String(data.marks.length),
    turning: String(data.swings.length + data.breaks.length),
    minutes: String(data.minutes),
  });
}

export default function render({ data, parentElement }) {
  let view = charts.get(parentElement);
  if (!view) {
    view = build(parentElement, data);
    charts.set(parentElement, view);
  }
  view.box.dataset.refreshes = String(Number(view.box.dataset.refreshes || 0) + 1);
  if (view.held) view.refresh = { data, parentElement };
  else show(view, data, parentElement);
  // Streamlit also ends a call that a younger one has overtaken; then the chart stays, for it is still on the page.
  return () => {
    if (!parentElement.isConnected) end(view);
  };
}

function end(view) {
  if (!view.alive) return;
  view.alive = false;
  view.ticks.close();
  view.unlisten();
  view.unbindSteps?.();
  charts.delete(view.parent);
  view.chart.remove();
  view.box.remove();
}
