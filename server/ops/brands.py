"""What an operator does with a whole brand: make it, write it to a file, read it, delete it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from commerce.errors import BadBrandFile, BrandInUse, InvalidField, NotFound
from commerce.io.shop.brands.brands import BrandRow, Brands, NewBrand
from commerce.io.shop.brands.export import Manifest
from commerce.people.password_policy import WeakPassword, require_strong
from server.errors import OperatorError
from server.ops.opening import open_record
from server.settings import Settings


async def list_brands(settings: Settings) -> list[BrandRow]:
    """All brands of the record."""
    async with open_record(settings) as engine:
        return await Brands(engine).list()


async def create_brand(settings: Settings, new: NewBrand) -> None:
    """Make a brand and its first account.

    Raises:
        OperatorError: The id or user name is taken, or the password is weak.
    """
    with _said_to_the_operator():
        require_strong(new.password, new.username)
        async with open_record(settings) as engine:
            await Brands(engine).create(new)


async def export_brand(settings: Settings, brand_id: str, path: Path, *, secrets: bool) -> Manifest:
    """Write a brand to a new file; nothing is left of it if that fails.

    Raises:
        OperatorError: There is no such brand, or there is such a file.
    """
    with _said_to_the_operator():
        async with open_record(settings) as engine:
            with _new_file(path) as file:
                return await Brands(engine).export(brand_id, file, secrets=secrets)


async def import_brand(settings: Settings, path: Path) -> tuple[Manifest, int]:
    """Read a brand from a file, all or nothing.

    Raises:
        OperatorError: It is no such file, or its rows do not fit the record.
    """
    with _said_to_the_operator():
        async with open_record(settings) as engine:
            with path.open("rb") as file:
                return await Brands(engine).load(file)


async def delete_brand(settings: Settings, brand_id: str, *, force: bool) -> int:
    """Delete every row of a brand; return how many there were.

    Raises:
        OperatorError: There is no such brand, or it sells.
    """
    with _said_to_the_operator():
        async with open_record(settings) as engine:
            return await Brands(engine).delete(brand_id, force=force)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its name once it is whole."""
    if path.exists():
        raise OperatorError(f"{path} exists already.")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _said_to_the_operator() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise OperatorError(f"There is no {error.kind} {error.id}.") from None
    except InvalidField as error:
        raise OperatorError(str(error)) from None
    except BrandInUse as error:
        raise OperatorError(f"The brand sells: {error}. --force deletes it anyway.") from None
    except (BadBrandFile, WeakPassword, OSError) as error:
        raise OperatorError(str(error)) from None
