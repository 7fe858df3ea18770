"""Pushes a live to another platform by RTMP, from a child process."""
