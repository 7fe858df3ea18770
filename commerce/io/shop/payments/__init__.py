"""Payments whose answer comes later: calls to the provider, its webhooks, refunds."""
