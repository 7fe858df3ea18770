"""Media over HTTP: WHIP, WHEP, events, layers."""
