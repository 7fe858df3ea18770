"""Pictures, sound and clips that hosts send."""
