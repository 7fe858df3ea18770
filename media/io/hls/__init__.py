"""LL-HLS out: a `FrameSink` per live that is watched by HLS, and who waits for what of it."""
