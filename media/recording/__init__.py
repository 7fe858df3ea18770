"""What a recording is: its index, and the playlist and the file made of it. Without I/O."""
