"""HTTP: bodies, pages, health, routes."""
