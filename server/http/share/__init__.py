"""What links to rooms show in messengers."""
