"""Video, audio and clips that hosts send."""
