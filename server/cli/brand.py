"""`linli brand`: whole brands, made, listed, exported, imported, deleted."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from server.cli.console import out, run
from server.settings import Settings

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

brand_app = typer.Typer(
    help="Whole brands: make, list, export, import, delete.", no_args_is_help=True
)

BrandId = Annotated[str, typer.Argument(help="The brand's id.")]


@brand_app.command("create")
def brand_create(
    brand: BrandId,
    name_zh: Annotated[str, typer.Option(help="Its name in Chinese.")],
    name_en: Annotated[str, typer.Option(help="Its name in English.")],
    username: Annotated[str, typer.Option(help="With which its head office logs in first.")],
    person: Annotated[str, typer.Option(help="Who that is.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
) -> None:
    """Make a brand with the first account of its head office; all else is made in /hq."""
    from commerce.catalogue.values import Text
    from commerce.io.shop.brands.brands import NewBrand
    from server.ops.brands import create_brand

    if not ID_PATTERN.fullmatch(brand):
        raise typer.BadParameter("Small letters, digits and dashes, at most 40.")
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    if not password_stdin:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    new = NewBrand(brand, Text(name_zh, name_en), username, person or username, password)
    run(create_brand(Settings(), new))
    say(f"There is a brand {brand}; {username} logs in at /hq.")


@brand_app.command("list")
def brand_list() -> None:
    """List the brands of the record and how large they are."""
    from server.ops.brands import list_brands

    table = Table("id", "name", "stores", "estates", "products", "staff", box=None)

    async def main() -> None:
        for row in await list_brands(Settings()):
            sizes = (row.stores, row.estates, row.products, row.staff)
            table.add_row(row.id, f"{row.name.zh} {row.name.en}", *map(str, sizes))

    run(main())
    out.print(table)


@brand_app.command("export")
def brand_export(
    brand: BrandId,
    file: Annotated[Path, typer.Argument(help="The ZIP file to write; it must not exist.")],
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets", help="Also hashes of passwords, phone numbers, devices and keys."
        ),
    ] = False,
) -> None:
    """Write all rows of a brand to one file, as of one moment."""
    from server.ops.brands import export_brand

    async def main() -> None:
        manifest = await export_brand(Settings(), brand, file, secrets=with_secrets)
        rows = sum(manifest.rows.values())
        say(f"{file}: {rows} rows of schema {manifest.schema}.")

    run(main())


@brand_app.command("import")
def brand_import(
    file: Annotated[Path, typer.Argument(help="A file that `linli brand export` wrote.")],
) -> None:
    """Read a brand from a file, all or nothing; the record must not have it."""
    from server.ops.brands import import_brand

    async def main() -> None:
        manifest, renumbered = await import_brand(Settings(), file)
        say(f"{manifest.brand_id}: {sum(manifest.rows.values())} rows.")
        if renumbered:
            say(f"{renumbered} orders have new numbers: other orders had theirs.")
        if not manifest.secrets:
            say(
                "The file has no secrets: give staff new passwords, "
                "and tills, encoders and restreams new keys."
            )

    run(main())


@brand_app.command("delete")
def brand_delete(
    brand: BrandId,
    force: Annotated[
        bool, typer.Option("--force", help="Even while a live is on air or an order is open.")
    ] = False,
) -> None:
    """Delete every row of a brand, after asking for its id again."""
    from server.ops.brands import delete_brand

    if typer.prompt(f"All of {brand} goes, for ever. Type its id to go on") != brand:
        say("Nothing was deleted.")
        raise typer.Exit(1)

    async def main() -> None:
        rows = await delete_brand(Settings(), brand, force=force)
        say(f"{rows} rows deleted. Pictures and recordings are still where blobs are kept.")

    run(main())


def say(text: str) -> None:
    """Print one line as it is."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)
