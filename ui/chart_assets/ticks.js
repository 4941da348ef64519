// The stream of the last candle. A tab that slept fetches what it missed.

export class Ticks {
  constructor(take, newest) {
    this._take = take;
    this._newest = newest;
    this._minutes = null;
    this._source = null;
    this._seen = () => document.visibilityState === "visible" && this._catchUp();
    document.addEventListener("visibilitychange", this._seen);
  }

  // Listen to candles of so many minutes (0 is a day), or to none.
  listen(minutes) {
    if (minutes === this._minutes) return;
    this._minutes = minutes;
    this._source?.close();
    this._source = null;
    if (minutes === null) return;
    this._source = new EventSource(`/api/stream?minutes=${minutes}`);
    this._source.onmessage = (event) => {
      const { candle } = JSON.parse(event.data);
      if (!candle) return;
      const step = (minutes || 1440) * 60;
      if (minutes && candle[0] > this._newest() + step) this._catchUp();
      else this._take(candle);
    };
  }

  close() {
    document.removeEventListener("visibilitychange", this._seen);
    this._source?.close();
    this._source = null;
  }

  async _catchUp() {
    if (this._minutes === null) return;
    const since = this._newest();
    if (!Number.isFinite(since)) return;
    try {
      const reply = await fetch(`/api/candles?minutes=${this._minutes}&since=${since}`);
      if (!reply.ok) return;
      const { candles } = await reply.json();
      for (const row of candles) this._take(row);
    } catch (error) {
      console.warn("candles could not be fetched", error);
    }
  }
}
