"""Clients that know the wire formats only: HTTP, room socket, WHIP, WHEP."""
