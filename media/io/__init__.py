"""The world of media: sockets, keys, sessions."""
