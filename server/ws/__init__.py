"""The room socket."""
