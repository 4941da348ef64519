// The candle chart of the dashboard. Called again with new data on every refresh: the chart itself is kept, so that
// zoom and position are the reader's own. All text is drawn on a canvas or set as text, never as markup.
import { createChart, CandlestickSeries, CrosshairMode, LineStyle } from "./lightweight-charts.mjs";
import { VolumeProfileBars, ZoneBoxes } from "./overlays.js";

const IST = 19800; // the library reads times as UTC; shifted, its day breaks fall on Indian midnights
const VISIBLE = 150;
const charts = new WeakMap();
const rupees = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function color(element, name, fallback) {
  return getComputedStyle(element).getPropertyValue(name).trim() || fallback;
}

function palette(element) {
  return {
    up: "#089981",
    down: "#F23645",
    demand: "#089981",
    supply: "#F23645",
    profile: "#2962FF",
    poc: "#F7A600",
    text: color(element, "--st-text-color", "#D1D4DC"),
    background: color(element, "--st-background-color", "#131722"),
    line: color(element, "--st-border-color", "#2A2E39"),
  };
}

function build(parent, height) {
  const box = document.createElement("div");
  box.className = "zonedesk-chart";
  box.tabIndex = 0;
  box.style.cssText = `position:relative;width:100%;height:${height}px`;
  const legend = document.createElement("div");
  legend.className = "zonedesk-legend";
  legend.style.cssText = "position:absolute;left:8px;top:6px;z-index:3;padding:2px 6px;font:12px system-ui,sans-serif;pointer-events:none";
  legend.style.background = color(parent, "--st-background-color", "#131722");
  box.appendChild(legend);
  parent.appendChild(box);
  const colors = palette(parent);
  const chart = createChart(box, {
    autoSize: true,
    layout: { background: { color: "transparent" }, textColor: colors.text, attributionLogo: true },
    grid: { vertLines: { color: colors.line }, horzLines: { color: colors.line } },
    rightPriceScale: { borderColor: colors.line },
    timeScale: { borderColor: colors.line, timeVisible: true, secondsVisible: false, rightOffset: 14 },
    crosshair: { mode: CrosshairMode.Normal },
  });
  const series = chart.addSeries(CandlestickSeries, {
    upColor: colors.up,
    downColor: colors.down,
    wickUpColor: colors.up,
    wickDownColor: colors.down,
    borderVisible: false,
    priceFormat: { type: "custom", minMove: 0.05, formatter: (price) => rupees.format(price) },
  });
  const profile = new VolumeProfileBars(colors);
  const zones = new ZoneBoxes(colors);
  series.attachPrimitive(profile);
  series.attachPrimitive(zones);
  const view = { box, chart, series, profile, zones, legend, colors, levels: [], candles: [], hovered: null };
  chart.subscribeCrosshairMove((event) => {
    view.hovered = event.seriesData.get(series) || null;
    tell(view);
  });
  return view;
}

function tell(view) {
  const candle = view.hovered || view.candles[view.candles.length - 1];
  if (!candle) return;
  const change = candle.close - candle.open;
  const sign = change >= 0 ? "▲" : "▼";
  view.legend.style.color = change >= 0 ? view.colors.up : view.colors.down;
  const [o, h, l, c] = [candle.open, candle.high, candle.low, candle.close].map((price) => rupees.format(price));
  view.legend.textContent = `${view.title}   O ${o}  H ${h}  L ${l}  C ${c}  ${sign} ${rupees.format(Math.abs(change))}`;
}

function showLevels(view, profile) {
  for (const line of view.levels) view.series.removePriceLine(line);
  view.levels = [];
  if (!profile) return;
  const wanted = [
    ["POC", profile.poc, view.colors.poc, LineStyle.Solid],
    ["VAH", profile.vah, view.colors.profile, LineStyle.Dashed],
    ["VAL", profile.val, view.colors.profile, LineStyle.Dashed],
  ];
  for (const [title, price, tone, lineStyle] of wanted) {
    view.levels.push(view.series.createPriceLine({ title, price, color: tone, lineStyle, lineWidth: 1 }));
  }
}

function showCandles(view, rows) {
  const candles = rows.map(([time, open, high, low, close]) => ({ time: time + IST, open, high, low, close }));
  const last = view.candles[view.candles.length - 1];
  const isGrown = last && view.candles.length > 1 && candles.length && candles[0].time === view.candles[0].time;
  if (isGrown && candles[candles.length - 1].time >= last.time) {
    for (const candle of candles.filter((each) => each.time >= last.time)) view.series.update(candle);
  } else {
    view.series.setData(candles);
  }
  const isFirst = view.candles.length === 0 && candles.length > 0;
  view.candles = candles;
  if (isFirst) view.chart.timeScale().setVisibleLogicalRange({ from: candles.length - VISIBLE, to: candles.length + 14 });
}

export default function render({ data, parentElement }) {
  let view = charts.get(parentElement);
  if (!view) {
    view = build(parentElement, data.height);
    charts.set(parentElement, view);
  }
  view.title = data.title;
  showCandles(view, data.candles);
  view.zones.show(data.zones.map((zone) => ({ ...zone, from: zone.from + IST })));
  view.profile.show(data.profile);
  const levels = JSON.stringify(data.profile && [data.profile.poc, data.profile.vah, data.profile.val]);
  if (levels !== view.shownLevels) {
    showLevels(view, data.profile);
    view.shownLevels = levels;
  }
  view.box.dataset.candles = String(data.candles.length);
  view.box.dataset.zones = String(data.zones.length);
  tell(view);
  return () => {
    charts.delete(parentElement);
    view.chart.remove();
    view.box.remove();
  };
}
