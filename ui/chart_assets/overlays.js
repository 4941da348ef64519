// Canvas overlays of the candle chart: zones as boxes, broken levels and session breaks as lines, the volume profile as
// bars on the right edge.

const LOGO = { width: 44, height: 44 }; // in the left lower corner
const THINNEST = 2; // pixels of a bar

class Layer {
  constructor(draw, zOrder) {
    this._views = [{ zOrder: () => zOrder, renderer: () => ({ draw: (target) => target.useBitmapCoordinateSpace(draw) }) }];
  }
  paneViews() {
    return this._views;
  }
}

class Overlay {
  constructor(zOrder) {
    this.data = null;
    this._layer = new Layer((scope) => this.data && this.chart && this.paint(scope), zOrder);
  }
  attached({ chart, series, requestUpdate }) {
    this.chart = chart;
    this.series = series;
    this._requestUpdate = requestUpdate;
  }
  detached() {
    this.chart = null;
  }
  paneViews() {
    return this._layer.paneViews();
  }
  show(data) {
    this.data = data;
    if (this._requestUpdate) this._requestUpdate();
  }
}

export class ZoneBoxes extends Overlay {
  constructor(colors) {
    super("bottom");
    this.colors = colors;
  }

  // Zones begin at the candle that made them known and reach to the right edge while they live.
  paint({ context, bitmapSize, horizontalPixelRatio: rx, verticalPixelRatio: ry }) {
    const scale = this.chart.timeScale();
    const labels = [];
    for (const zone of this.data) {
      const top = this.series.priceToCoordinate(zone.high);
      const bottom = this.series.priceToCoordinate(zone.low);
      if (top === null || bottom === null) continue;
      const from = scale.timeToCoordinate(zone.from);
      const x = from === null ? 0 : Math.max(0, Math.round(from * rx));
      const y = Math.round(top * ry);
      const height = Math.max(2, Math.round(bottom * ry) - y);
      const color = zone.side === "demand" ? this.colors.demand : this.colors.supply;
      context.globalAlpha = 0.1 + 0.22 * zone.confidence;
      context.fillStyle = color;
      context.fillRect(x, y, bitmapSize.width - x, height);
      context.globalAlpha = zone.confirmed ? 1 : 0.55;
      context.strokeStyle = color;
      context.lineWidth = Math.max(1, Math.round(rx * (zone.confirmed ? 1.5 : 1)));
      context.setLineDash(zone.confirmed ? [] : [5 * rx, 4 * rx]);
      context.strokeRect(x, y, bitmapSize.width - x, height);
      context.setLineDash([]);
      const middle = y + height / 2;
      const beside = x < LOGO.width * rx && middle > bitmapSize.height - LOGO.height * ry ? LOGO.width * rx : x;
      labels.push({ zone, color, x: beside + 6 * rx, y: middle });
    }
    this.paintLabels(context, labels, ry, bitmapSize.width);
  }

  paintLabels(context, labels, ry, edge) {
    context.globalAlpha = 1;
    context.font = `${Math.round(11 * ry)}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    let last = -Infinity;
    for (const label of labels.sort((a, b) => a.y - b.y)) {
      if (label.y < 36 * ry || label.y - last < 15 * ry) continue; // labels cover neither one another nor the legend
      last = label.y;
      const width = context.measureText(label.zone.label).width;
      const x = Math.max(3 * ry, Math.min(label.x, edge - width - 4 * ry)); // of a young zone, to the left of it
      context.globalAlpha = 0.8;
      context.fillStyle = this.colors.background;
      context.fillRect(x - 3 * ry, label.y - 7 * ry, width + 6 * ry, 14 * ry);
      context.globalAlpha = 1;
      context.fillStyle = label.color;
      context.fillText(label.zone.label, x, label.y);
    }
  }
}

export class BreakLines extends Overlay {
  constructor(colors) {
    super("top");
    this.colors = colors;
  }

  // A broken level reaches from its swing to the candle that closed beyond it.
  paint({ context, horizontalPixelRatio: rx, verticalPixelRatio: ry }) {
    const scale = this.chart.timeScale();
    context.font = `${Math.round(10 * ry)}px system-ui, sans-serif`;
    context.textAlign = "center";
    let last = -Infinity;
    for (const line of this.data) {
      const y = this.series.priceToCoordinate(line.price);
      const from = scale.timeToCoordinate(line.from);
      const to = scale.timeToCoordinate(line.to);
      if (y === null || from === null || to === null) continue;
      context.strokeStyle = context.fillStyle = line.is_up ? this.colors.up : this.colors.down;
      context.lineWidth = Math.max(1, Math.round(rx));
      context.setLineDash([2 * rx, 3 * rx]);
      context.beginPath();
      context.moveTo(from * rx, Math.round(y * ry) + 0.5);
      context.lineTo(to * rx, Math.round(y * ry) + 0.5);
      context.stroke();
      context.setLineDash([]);
      const middle = ((from + to) / 2) * rx;
      if (to - from < 24 || middle - last < 52 * rx) continue; // names cover neither candles nor one another
      last = middle;
      context.textBaseline = line.is_up ? "bottom" : "top";
      context.fillText(`${line.is_up ? "▲" : "▼"} ${line.name}`, middle, y * ry + (line.is_up ? -2 : 3) * ry);
    }
    context.textAlign = "left";
  }
}

export class SessionBreaks extends Overlay {
  constructor(colors) {
    super("bottom");
    this.colors = colors;
  }

  // A faint line before the first candle of each session; `data` holds the times of those.
  paint({ context, bitmapSize, horizontalPixelRatio: rx }) {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range) return;
    const half = scale.width() / (range.to - range.from) / 2;
    context.globalAlpha = 0.3;
    context.strokeStyle = this.colors.text;
    context.lineWidth = Math.max(1, Math.floor(rx));
    context.setLineDash([3 * rx, 4 * rx]);
    for (const time of this.data) {
      const middle = scale.timeToCoordinate(time);
      if (middle === null) continue;
      const x = Math.round((middle - half) * rx) + 0.5;
      if (x < 0 || x > bitmapSize.width) continue;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, bitmapSize.height);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }
}

export class VolumeProfileBars extends Overlay {
  constructor(colors) {
    super("bottom");
    this.colors = colors;
  }

  paint({ context, mediaSize, bitmapSize, horizontalPixelRatio: rx, verticalPixelRatio: ry }) {
    const { first, volumes, row_height: step, val, vah } = this.data;
    const y = (row) => this.series.priceToCoordinate(first + row * step);
    const [highest, lowest] = [this.series.coordinateToPrice(0), this.series.coordinateToPrice(mediaSize.height)];
    const [bottom, top] = [y(0), y(1)];
    if (highest === null || lowest === null || bottom === null || !(bottom > top)) return;
    const widest = Math.min(170 * rx, bitmapSize.width * 0.2);
    context.fillStyle = this.colors.profile;
    // Rows that are thinner than a bar can be are drawn as one, as long as their longest; only those on the screen.
    const joined = Math.max(1, Math.ceil(THINNEST / (bottom - top)));
    const end = Math.max(0, Math.floor((lowest - first) / step / joined));
    const begin = Math.min(Math.ceil(volumes.length / joined) - 1, Math.floor((highest - first) / step / joined));
    for (let bar = begin; bar >= end; bar -= 1) {
      const [low, high] = [bar * joined, Math.min((bar + 1) * joined, volumes.length)];
      const volume = Math.max(...volumes.slice(low, high));
      if (!volume) continue;
      const width = Math.max(1, Math.round((volume / this._most) * widest));
      const [from, to] = [Math.round(y(high) * ry), Math.round(y(low) * ry)];
      context.globalAlpha = first + high * step > val && first + low * step < vah ? 0.38 : 0.2;
      const gap = to - from > 3 * ry ? ry : 0;
      context.fillRect(bitmapSize.width - width, from, width, Math.max(1, to - from - gap));
    }
    context.globalAlpha = 1;
  }

  show(data) {
    this._most = data ? Math.max(...data.volumes) : 0;
    super.show(data);
  }
}
