"""Use cases of order in rooms' chats."""
