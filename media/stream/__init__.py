"""One live without a network: layers, frames, repairs. Pure."""
