// The stream of the last candle. A tab that slept fetches what it missed.

const FRESH_MS = 3000;
const AGAIN_MS = 5000;

export class Ticks {
  constructor(take, newest) {
    this._take = take;
    this._newest = newest;
    this._minutes = null;
    this._source = null;
    this._heard = -Infinity;
    this._again = 0;
    this._seen = () => document.visibilityState === "visible" && this._catchUp();
    document.addEventListener("visibilitychange", this._seen);
  }

  // Whether the stream has just said something, so that it knows more than a refresh.
  isFresh() {
    return performance.now() - this._heard < FRESH_MS;
  }

  // Listen to candles of so many minutes (0 is a day), or to none.
  listen(minutes) {
    if (minutes === this._minutes) return;
    this._minutes = minutes;
    this._heard = -Infinity;
    this._connect();
  }

  close() {
    document.removeEventListener("visibilitychange", this._seen);
    this._minutes = null;
    this._connect();
  }

  _connect() {
    clearTimeout(this._again);
    this._source?.close();
    this._source = null;
    const minutes = this._minutes;
    if (minutes === null) return;
    const source = new EventSource(`/api/stream?minutes=${minutes}`);
    this._source = source;
    source.onmessage = (event) => {
      const { candle } = JSON.parse(event.data);
      if (!candle) return;
      this._heard = performance.now();
      if (minutes && candle[0] > this._newest() + minutes * 60) this._catchUp();
      else this._take(candle);
    };
    // A lost connection comes back by itself; one that was refused does not.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this._again = setTimeout(() => this._connect(), AGAIN_MS);
    };
  }

  async _catchUp() {
    const minutes = this._minutes;
    const since = this._newest();
    if (minutes === null || !Number.isFinite(since)) return;
    try {
      const reply = await fetch(`/api/candles?minutes=${minutes}&since=${since}`);
      if (!reply.ok || minutes !== this._minutes) return;
      const { candles } = await reply.json();
      for (const row of candles) this._take(row);
    } catch (error) {
      console.warn("candles could not be fetched", error);
    }
  }
}
