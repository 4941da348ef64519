// The candle chart of the dashboard. Called again with new data on every refresh: the chart itself is kept, so that
// zoom and position are the reader's own. All text is drawn on a canvas or set as text, never as markup.
import {
  createChart, createSeriesMarkers, createTextWatermark, CandlestickSeries, CrosshairMode, HistogramSeries, LineStyle,
} from "./lightweight-charts.mjs";
import { BreakLines, VolumeProfileBars, ZoneBoxes } from "./overlays.js";
import { bindKeys, keepRange, restoreRange, shiftBetween } from "./range.js";
import { bindSteps } from "./steps.js";
import { Ticks } from "./ticks.js";

const IST = 19800; // the library reads times as UTC; shifted, its day breaks fall on Indian midnights
const VISIBLE = 150;
const charts = new WeakMap();
const rupees = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function short(volume) {
  if (volume >= 1e7) return `${(volume / 1e7).toFixed(1)} Cr`;
  if (volume >= 1e5) return `${(volume / 1e5).toFixed(1)} L`;
  return volume >= 1e3 ? `${(volume / 1e3).toFixed(0)} K` : String(Math.round(volume));
}

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

function note(parent, className, style) {
  const element = document.createElement("div");
  element.className = className;
  element.style.cssText = `position:absolute;z-index:3;padding:2px 6px;font:12px system-ui,sans-serif;max-width:70%;${style}`;
  parent.appendChild(element);
  return element;
}

function build(parent, data) {
  const box = document.createElement("div");
  box.className = "zonedesk-chart";
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  box.setAttribute("aria-label", "Candle chart. Arrows scroll (in a replay they step one candle), plus and minus zoom, End goes to the last candle, Alt R resets.");
  box.style.cssText = `position:relative;width:100%;height:${data.height}px`;
  parent.appendChild(box);
  const legend = note(box, "zonedesk-legend", "left:8px;top:6px;pointer-events:none");
  const hint = note(box, "zonedesk-hint", "left:8px;top:26px;pointer-events:none");
  const pinned = note(box, "zonedesk-pinned", "left:8px;bottom:44px;display:none;border-radius:4px");
  const colors = palette(parent, data.colors);
  const chart = createChart(box, {
    autoSize: true,
    layout: { background: { color: "transparent" }, textColor: colors.text, attributionLogo: true },
    grid: { vertLines: { color: colors.line }, horzLines: { color: colors.line } },
    rightPriceScale: { borderColor: colors.line, scaleMargins: { top: 0.1, bottom: 0.22 } },
    timeScale: { borderColor: colors.line, timeVisible: true, secondsVisible: false, rightOffset: 14 },
    crosshair: { mode: CrosshairMode.Normal },
  });
  const format = { type: "custom", minMove: 0.05, formatter: (price) => rupees.format(price) };
  const series = chart.addSeries(CandlestickSeries, { borderVisible: false, priceFormat: format, lastValueVisible: false, priceLineVisible: false });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false,
    priceFormat: { type: "custom", minMove: 1, formatter: short },
  });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  const profile = new VolumeProfileBars(colors);
  const bands = new ZoneBoxes(colors);
  const zones = new ZoneBoxes(colors);
  const breaks = new BreakLines(colors);
  for (const layer of [profile, bands, zones, breaks]) series.attachPrimitive(layer);
  const view = {
    box, chart, series, volume, profile, bands, zones, breaks, legend, hint, pinned, colors, alive: true,
    replay: "",
    marks: createSeriesMarkers(series, []), lines: [], candles: [], hovered: null, name: "", first: 0,
  };
  paintColors(view, colors);
  listen(view);
  return view;
}

function paintColors(view, colors) {
  view.colors = colors;
  view.series.applyOptions({ upColor: colors.up, downColor: colors.down, wickUpColor: colors.up, wickDownColor: colors.down });
  view.chart.applyOptions({ layout: { textColor: colors.text } });
  for (const layer of [view.profile, view.bands, view.zones, view.breaks]) layer.colors = colors;
  for (const element of [view.legend, view.hint, view.pinned]) {
    element.style.background = colors.background;
    element.style.color = colors.text;
  }
  view.pinned.style.border = `1px solid ${colors.line}`;
}

function listen(view) {
  view.chart.subscribeCrosshairMove((event) => {
    if (!view.alive) return;
    view.hovered = event.seriesData.get(view.series) || null;
    const zone = zoneAt(view, event);
    view.hint.textContent = zone ? `${zone.label} · click for more` : "";
    tell(view);
  });
  view.chart.subscribeClick((event) => pin(view, zoneAt(view, event)));
  bindKeys(view, () => pin(view, null));
  keepRange(view);
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

function pin(view, zone) {
  view.pinned.replaceChildren();
  view.pinned.style.display = zone ? "block" : "none";
  view.box.dataset.pinned = zone ? zone.id : "";
  for (const line of zone ? zone.detail : []) {
    const row = document.createElement("div");
    row.textContent = line;
    view.pinned.appendChild(row);
  }
}

function tell(view) {
  const candle = view.hovered || view.candles[view.candles.length - 1];
  if (!candle) return;
  const change = candle.close - candle.open;
  const sign = change >= 0 ? "▲" : "▼";
  view.legend.style.color = change >= 0 ? view.colors.up : view.colors.down;
  const [o, h, l, c] = [candle.open, candle.high, candle.low, candle.close].map((price) => rupees.format(price));
  const volume = candle.volume ? `  Vol ${short(candle.volume)}` : "";
  view.legend.textContent = `${view.title}   O ${o}  H ${h}  L ${l}  C ${c}  ${sign} ${rupees.format(Math.abs(change))}${volume}`;
}

function showLines(view, data) {
  const wanted = [];
  if (data.profile) {
    wanted.push(["POC", data.profile.poc, view.colors.poc, LineStyle.Solid]);
    wanted.push(["VAH", data.profile.vah, view.colors.profile, LineStyle.Dashed]);
    wanted.push(["VAL", data.profile.val, view.colors.profile, LineStyle.Dashed]);
  }
  const tones = { entry: view.colors.accent, stop: view.colors.down, target: view.colors.up };
  for (const line of data.lines) wanted.push([line.title, line.price, tones[line.title], LineStyle.Solid]);
  const told = JSON.stringify(wanted);
  if (told === view.shownLines) return;
  view.shownLines = told;
  for (const line of view.lines) view.series.removePriceLine(line);
  view.lines = wanted.map(([title, price, color, lineStyle]) => view.series.createPriceLine({ title, price, color, lineStyle, lineWidth: 1 }));
}

function showLast(view, price) {
  if (price === null || price === undefined) return;
  const options = { title: "LTP", price, color: view.colors.text, lineStyle: LineStyle.Dotted, lineWidth: 1 };
  if (view.last) view.last.applyOptions(options);
  else view.last = view.series.createPriceLine(options);
  view.box.dataset.ltp = String(price);
}

function asCandle([time, open, high, low, close, volume]) {
  return { time: time + IST, open, high, low, close, volume };
}

function asVolume(view, candle) {
  const color = candle.close >= candle.open ? view.colors.up : view.colors.down;
  return { time: candle.time, value: candle.volume, color: `${color}66` };
}

function showCandles(view, rows, name) {
  const candles = rows.map(asCandle);
  const last = view.candles[view.candles.length - 1];
  const isSame = last && view.name === name && candles.length && candles[0].time === view.candles[0].time;
  if (isSame && candles[candles.length - 1].time >= last.time) {
    for (const candle of candles.filter((each) => each.time >= last.time)) grow(view, candle);
    view.candles = candles;
    return;
  }
  const range = view.name === name ? view.chart.timeScale().getVisibleLogicalRange() : null;
  const ended = view.candles.length - 1;
  const moved = range ? shiftBetween(view.candles, candles) : null;
  // A replay that goes back keeps its last candle where the reader has it, as one that goes on does.
  const follows = view.replay && range && range.from < ended && ended <= range.to;
  const shift = follows ? candles.length - 1 - ended : moved;
  view.series.setData(candles);
  view.volume.setData(candles.map((candle) => asVolume(view, candle)));
  view.candles = candles;
  view.name = name;
  const scale = view.chart.timeScale();
  if (range && shift !== null) scale.setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  else if (candles.length && !restoreRange(view)) {
    scale.setVisibleLogicalRange({ from: candles.length - VISIBLE, to: candles.length + 14 });
  }
}

function grow(view, candle) {
  view.series.update(candle);
  view.volume.update(asVolume(view, candle));
}

function take(view, row) {
  const candle = asCandle(row);
  const last = view.candles[view.candles.length - 1];
  if (!view.alive || (last && candle.time < last.time)) return;
  grow(view, candle);
  if (last && candle.time === last.time) view.candles[view.candles.length - 1] = candle;
  else view.candles.push(candle);
  showLast(view, candle.close);
  view.box.dataset.ticks = String(Number(view.box.dataset.ticks || 0) + 1);
  tell(view);
}

function showMarks(view, data) {
  const markers = data.marks.map((mark) => ({
    time: mark.time + IST,
    position: mark.kind === "in" ? "belowBar" : "aboveBar",
    shape: mark.kind === "in" ? "arrowUp" : "square",
    color: mark.kind === "in" ? view.colors.accent : view.colors.text,
    text: mark.text,
  }));
  for (const swing of data.swings) {
    markers.push({
      time: swing.time + IST,
      position: swing.side === "high" ? "aboveBar" : "belowBar",
      shape: "circle",
      size: 0.4,
      color: swing.side === "high" ? view.colors.down : view.colors.up,
    });
  }
  view.marks.setMarkers(markers.sort((a, b) => a.time - b.time));
}

// A chart of the past must not be taken for the present: its frame and a word across it say so.
function showReplay(view, label) {
  if (view.replay === label) return;
  view.replay = label;
  view.box.dataset.replay = label;
  view.box.style.outline = label ? "2px solid #6B4BC8" : "";
  view.unbindSteps?.();
  view.unbindSteps = label ? bindSteps() : null;
  view.watermark?.detach();
  const line = { text: "REPLAY", color: "rgba(140, 110, 230, 0.22)", fontSize: 72, fontStyle: "bold" };
  view.watermark = label ? createTextWatermark(view.chart.panes()[0], { horzAlign: "center", vertAlign: "center", lines: [line] }) : null;
}

export default function render({ data, parentElement }) {
  let view = charts.get(parentElement);
  if (!view) {
    view = build(parentElement, data);
    charts.set(parentElement, view);
    view.ticks = new Ticks((row) => take(view, row), () => view.candles[view.candles.length - 1]?.time - IST);
  }
  showReplay(view, data.replay);
  const colors = palette(parentElement, data.colors);
  if (JSON.stringify(colors) !== JSON.stringify(view.colors)) paintColors(view, colors);
  view.title = data.title;
  showCandles(view, data.candles, data.title);
  const shifted = (boxes) => boxes.map((zone) => ({ ...zone, from: zone.from + IST }));
  view.zones.show(shifted(data.zones));
  view.bands.show(shifted(data.bands));
  view.breaks.show(data.breaks.map((line) => ({ ...line, from: line.from + IST, to: line.to + IST })));
  view.profile.show(data.profile);
  showLines(view, data);
  showLast(view, data.ltp);
  showMarks(view, data);
  view.ticks.listen(data.live ? data.minutes : null);
  view.box.dataset.candles = String(data.candles.length);
  view.box.dataset.zones = String(data.zones.length);
  view.box.dataset.last = String(data.candles.length ? data.candles[data.candles.length - 1][0] : "");
  view.box.dataset.marks = String(data.marks.length);
  view.box.dataset.turning = String(data.swings.length + data.breaks.length);
  tell(view);
  return () => {
    view.alive = false;
    view.ticks.close();
    view.unbindSteps?.();
    charts.delete(parentElement);
    view.chart.remove();
    view.box.remove();
  };
}
