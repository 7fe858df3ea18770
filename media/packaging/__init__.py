"""From frames of a live to CMAF parts, segments and their playlists (RFC 8216bis), without I/O."""
