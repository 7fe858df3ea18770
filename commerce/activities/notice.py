"""The notice: one text that a host pins to the room."""

NOTICE_CHARS_MAX = 100
