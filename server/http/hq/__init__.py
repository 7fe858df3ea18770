"""Routes of the head office, `/api/hq/…`: a module per subject, listed in registry.py."""
