"""`python -m server` is the `linli` command."""

from server.cli import main

main()
