// Price lines and marks at candles: what the profile, the open trades and the swings say.

import { LineStyle } from "./lightweight-charts.mjs";
import { visibleRange } from "./range.js";

const MARK_LETTER = 6.2; // pixels

export class Levels {
  constructor(view) {
    this._view = view;
    this._lines = [];
    this._told = "";
    this._last = null;
    this._marks = [];
    this._width = 0;
  }

  show(data) {
    const { series, colors } = this._view;
    const wanted = [];
    if (data.profile) {
      wanted.push(["POC", data.profile.poc, colors.poc, LineStyle.Solid]);
      wanted.push(["VAH", data.profile.vah, colors.profile, LineStyle.Dashed]);
      wanted.push(["VAL", data.profile.val, colors.profile, LineStyle.Dashed]);
    }
    const tones = { entry: colors.accent, stop: colors.down, target: colors.up };
    for (const line of data.lines) wanted.push([line.title, line.price, tones[line.title], LineStyle.Solid]);
    const told = JSON.stringify(wanted);
    if (told === this._told) return;
    this._told = told;
    for (const line of this._lines) series.removePriceLine(line);
    this._lines = wanted.map(([title, price, color, lineStyle]) => series.createPriceLine({ title, price, color, lineStyle, lineWidth: 1 }));
  }

  // The line of the last price stands where that is, also when the reader looks at the past.
  last(price) {
    if (price === null || price === undefined) return;
    const options = { title: "LTP", price, color: this._view.colors.text, lineStyle: LineStyle.Dotted, lineWidth: 1 };
    if (this._last) this._last.applyOptions(options);
    else this._last = this._view.series.createPriceLine(options);
    this._view.box.dataset.ltp = String(price);
  }

  marks(data, time) {
    const { colors } = this._view;
    const trades = data.marks.map((mark) => ({
      time: time(mark.time),
      position: mark.kind === "in" ? "belowBar" : "aboveBar",
      shape: mark.kind === "in" ? "arrowUp" : "square",
      color: mark.kind === "in" ? colors.accent : colors.text,
      text: mark.text,
    }));
    const swings = data.swings.map((swing) => ({
      time: time(swing.time),
      position: swing.side === "high" ? "aboveBar" : "belowBar",
      shape: "circle",
      size: 0.4,
      color: swing.side === "high" ? colors.down : colors.up,
    }));
    this._marks = [...trades, ...swings].sort((a, b) => a.time - b.time);
    this._width = 0;
    this.spread();
  }

  // Texts of neighbouring marks cover one another when the reader zooms out: then the younger one keeps its text.
  spread() {
    const range = visibleRange(this._view);
    const width = range ? this._view.chart.timeScale().width() / (range.to - range.from) : 1;
    if (Math.abs(width - this._width) < 0.05 * width) return;
    this._width = width;
    const taken = { aboveBar: Infinity, belowBar: Infinity };
    const places = new Map(this._view.candles.map((candle, number) => [candle.time, number]));
    const shown = [...this._marks].reverse().map((mark) => {
      if (!mark.text) return mark;
      const half = (mark.text.length * MARK_LETTER) / 2 + 4;
      const x = (places.get(mark.time) ?? 0) * width;
      if (x + half > taken[mark.position]) return { ...mark, text: "" };
      taken[mark.position] = x - half;
      return mark;
    });
    this._view.marks.setMarkers(shown.reverse());
  }
}
