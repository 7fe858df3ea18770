"""Routes of those who work here."""
