"""`linli staff`: the people who work in the shops."""

import sys
from typing import Annotated

import typer

from server.cli.console import out, run
from server.settings import Settings

staff_app = typer.Typer(
    help="The staff of the shops: a new password, log out everywhere.", no_args_is_help=True
)


@staff_app.callback()
def staff() -> None:
    """The staff of the shops."""


@staff_app.command("password")
def staff_password(
    username: Annotated[str, typer.Argument(help="The name with which the person logs in.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the new password from stdin.")
    ] = False,
) -> None:
    """Give one person a new password; wherever they have logged in, they log in again."""
    from server.ops.maintenance import set_password

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    if not password_stdin:
        password = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    run(set_password(Settings(), username, password))
    out.print(f"{username} has a new password.", highlight=False, markup=False)


@staff_app.command("totp-off")
def staff_totp_off(
    username: Annotated[str, typer.Argument(help="The name with which the person logs in.")],
) -> None:
    """Take the authenticator of one person away, who logs in with the password alone."""
    from server.ops.maintenance import take_factor

    run(take_factor(Settings(), username))
    out.print(f"{username} logs in without an authenticator.", highlight=False, markup=False)


@staff_app.command("logout")
def staff_logout(
    username: Annotated[str, typer.Argument(help="The name with which the person logs in.")],
) -> None:
    """Log one person out everywhere: within seconds no token of theirs is accepted."""
    from server.ops.maintenance import log_out

    run(log_out(Settings(), username))
    out.print(f"{username} is logged out everywhere.", highlight=False, markup=False)
