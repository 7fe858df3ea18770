"""What the shops know: facts, the lake, the wall and the key figures. Rules without I/O."""
