"""Who gets which packet: layers of a live, viewers, feedback. Pure."""
