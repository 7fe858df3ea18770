"""HTTP-FLV: a live's access units as FLV tags, written once for all who watch."""
