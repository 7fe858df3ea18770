"""RTMP in: a TCP listener whose publishers are sources of lives."""
