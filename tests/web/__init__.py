"""The browser pages in a real Chromium, against a server played by the test."""
