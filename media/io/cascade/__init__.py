"""The hop between workers: one UDP socket, ciphers, the subscriptions of both sides."""
