"""Descriptions that are good: an offer, a trickle fragment, and what the server answers from."""

from media.wire import sdp

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;profile-level-id=42e01f
""".replace("\n", "\r\n")


FRAGMENT = """a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=candidate:1 1 udp 2130706431 192.0.2.1 61764 typ host
a=candidate:2 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active
a=end-of-candidates
""".replace("\n", "\r\n")


LOCAL = sdp.Local("ufrag", "0123456789012345678901", "AA:BB", [("192.0.2.1", 8440)])
