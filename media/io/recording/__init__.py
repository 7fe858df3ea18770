"""Recordings of lives: written by fragment into a spool, moved to the blob store by chunk."""
