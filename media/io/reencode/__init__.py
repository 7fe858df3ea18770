"""H.264 with B-frames into H.264 without, once per live, for viewers of WebRTC."""
