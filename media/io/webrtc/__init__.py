"""WebRTC on one UDP socket: ICE, DTLS, SRTP, the fan-out."""
