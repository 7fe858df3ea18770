"""`python -m server` is the `linli` command."""

from server.cli.main import main

main()
