"""The live market: the feed and the order updates of the broker, and the candles made of them."""
