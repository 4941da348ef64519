// Candles before the first one that is shown, fetched when the reader comes near the left end.
import { isNearLeft } from "./range.js";

export class Older {
  constructor(view, prepend) {
    this._view = view;
    this._prepend = prepend;
    this._busy = false;
    this._ended = ""; // the time frame of which there are no older ones
  }

  async look() {
    const { candles, name, live, minutes } = this._view;
    if (this._busy || !live || !candles.length || this._ended === name || !isNearLeft(this._view)) return;
    this._busy = true;
    let came = false;
    try {
      const before = this._view.toUtc(candles[0].time);
      const reply = await fetch(`/api/older?minutes=${minutes}&before=${before}`);
      if (!reply.ok) return;
      const found = await reply.json();
      if (!this._view.alive || this._view.name !== name) return;
      if (!found.more) this._ended = name;
      came = found.candles.length > 0;
      if (came) this._prepend(found.candles);
    } catch (error) {
      console.warn("older candles could not be fetched", error);
    } finally {
      this._busy = false;
    }
    if (came) this.look();
  }
}
