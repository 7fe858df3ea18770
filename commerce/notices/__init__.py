"""Rules for notices to buyers."""
