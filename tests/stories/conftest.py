"""Real browsers against one real server; each story has a room of its own on it."""

from tests.support.browsers import browser, camera_fps, chromium, linli, people, shared_server
from tests.support.offices import office

__all__ = ["browser", "camera_fps", "chromium", "linli", "office", "people", "shared_server"]
