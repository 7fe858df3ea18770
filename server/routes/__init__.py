"""HTTP routes, one module per topic; each exposes `routes: list[Route]`."""
