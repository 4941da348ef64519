// What is written over the chart: the candle under the pointer, the zone under it, the zone that was pinned, and the
// button that leads back to the last candle. All of it is set as text, never as markup.
import { goLive, isLive } from "./range.js";

const rupees = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const KEYS = "← → scroll · + − zoom · End last candle · Alt R reset";

export const asRupees = (price) => rupees.format(price);

export function short(volume) {
  if (volume >= 1e7) return `${(volume / 1e7).toFixed(1)} Cr`;
  if (volume >= 1e5) return `${(volume / 1e5).toFixed(1)} L`;
  return volume >= 1e3 ? `${(volume / 1e3).toFixed(0)} K` : String(Math.round(volume));
}

function element(parent, kind, className, style) {
  const made = document.createElement(kind);
  made.className = className;
  made.style.cssText = style;
  parent.appendChild(made);
  return made;
}

function write(note, lines) {
  const rows = lines.map((line) => {
    const row = document.createElement("div");
    row.textContent = line;
    return row;
  });
  note.replaceChildren(...rows);
  note.style.display = lines.length ? "block" : "none";
}

export class Notes {
  constructor(view) {
    this._view = view;
    this._shown = null; // the hovered zone
    this._pinned = null;
    const place = "position:absolute;z-index:3;font:12px system-ui,sans-serif;";
    const paper = "padding:2px 6px;border-radius:4px;";
    const top = element(view.box, "div", "zonedesk-notes", `${place}left:6px;top:4px;max-width:min(calc(100% - 90px),600px);pointer-events:none`);
    this._legend = element(top, "div", "zonedesk-legend", `${paper}display:table;font-variant-numeric:tabular-nums`);
    this._hint = element(top, "div", "zonedesk-hint", `${paper}display:none;width:fit-content;margin-top:2px`);
    this._pin = element(view.box, "div", "zonedesk-pinned", `${place}${paper}left:8px;bottom:72px;max-width:min(70%,600px);display:none`);
    this._pin.setAttribute("role", "status");
    this._keys = element(view.box, "div", "zonedesk-keys", `${place}${paper}left:60px;bottom:30px;display:none;pointer-events:none`);
    this._keys.textContent = KEYS;
    this._live = element(view.box, "button", "zonedesk-live", `${place}right:86px;bottom:34px;padding:5px 12px;border:0;border-radius:4px;font-weight:600;cursor:pointer;display:none`);
    this._live.type = "button";
    this._live.textContent = "Go live ▸";
    this._live.setAttribute("aria-label", "Go to the last candle");
    this._live.addEventListener("click", () => {
      goLive(view);
      view.box.focus();
    });
    view.box.addEventListener("focus", () => this.frame());
    view.box.addEventListener("blur", () => this.frame());
  }

  paint(colors) {
    for (const note of [this._legend, this._hint, this._pin, this._keys]) {
      note.style.background = `color-mix(in srgb, ${colors.background} 86%, transparent)`;
      note.style.color = colors.text;
    }
    this._pin.style.border = this._hint.style.border = `1px solid ${colors.line}`;
    this._live.style.background = colors.accent;
    this._live.style.color = colors.background;
    this.frame();
  }

  // The frame tells that keys work here, or that this is the past; its keys are told to who comes by keyboard.
  frame() {
    const { box, colors, replay } = this._view;
    const focused = box.matches(":focus-visible");
    box.style.outlineOffset = "-2px";
    box.style.outline = focused ? `2px solid ${colors.accent}` : replay ? "2px solid #6B4BC8" : "none";
    this._keys.style.display = focused && !replay ? "block" : "none";
  }

  hover(zone) {
    const said = zone && zone.id !== this._pinned?.id ? zone.detail : [];
    this._shown = zone;
    this._view.box.style.cursor = zone ? "pointer" : "";
    write(this._hint, said.length ? [...said, "click to keep this here"] : []);
  }

  pin(zone) {
    this._pinned = zone;
    write(this._pin, zone ? zone.detail : []);
    this._view.box.dataset.pinned = zone ? zone.id : "";
    this.hover(this._shown);
  }

  // Say of the hovered and of the pinned zone what is known of them by now.
  renew(zones) {
    const now = (zone) => zone && zones.find((each) => each.id === zone.id);
    if (this._pinned) {
      const found = now(this._pinned);
      write(this._pin, found ? found.detail : [this._pinned.label, "no longer live"]);
    }
    if (this._shown) this.hover(now(this._shown) || null);
  }

  // The candle under the pointer, the last one where there is none; its change is that from the close before it.
  candle(at) {
    const { candles, colors, title } = this._view;
    const number = at === null || !candles[at] ? candles.length - 1 : at;
    const candle = candles[number];
    if (!candle) return;
    const before = number ? candles[number - 1].close : candle.open;
    const change = candle.close - before;
    const tone = change >= 0 ? colors.up : colors.down;
    const sign = change > 0 ? "▲ +" : change < 0 ? "▼ −" : "● ";
    const parts = [[title, colors.text, 600]];
    for (const [name, price] of [["O", candle.open], ["H", candle.high], ["L", candle.low], ["C", candle.close]]) {
      parts.push([name, colors.text, 400], [asRupees(price), tone, 400]);
    }
    const share = Math.abs((100 * change) / before).toFixed(2);
    parts.push([`${sign}${asRupees(Math.abs(change))} (${share}%)`, tone, 400]);
    if (candle.volume) parts.push([`Vol ${short(candle.volume)}`, colors.text, 400]);
    const told = parts.map(([text, color, weight]) => {
      const part = document.createElement("span");
      part.textContent = `${text} `;
      part.style.cssText = `color:${color};font-weight:${weight};white-space:nowrap`;
      return part;
    });
    this._legend.replaceChildren(...told);
  }

  place() {
    const shown = this._live.style.display !== "none";
    const live = isLive(this._view);
    this._view.box.dataset.live = live ? "yes" : "no";
    if (shown === live) this._live.style.display = live ? "none" : "block";
  }
}
