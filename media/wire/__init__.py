"""Bytes to values and back: RTP, RTCP, STUN, SDP, payloads. Pure."""
