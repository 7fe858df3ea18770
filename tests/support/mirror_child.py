"""A child that shows what it has: its environment's names, and what it is fed."""

import os
import sys

if __name__ == "__main__":
    sys.stdout.buffer.write(" ".join(os.environ).encode() + b"\n")
    sys.stdout.buffer.flush()
    while data := os.read(0, 4_096):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
