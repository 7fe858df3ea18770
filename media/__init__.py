"""Packets: how a host's RTP becomes every viewer's SRTP. `media.io` has sockets and keys."""
