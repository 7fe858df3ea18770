"""What an operator does to an installation: upgrade the record, load a shop, look for trouble."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from commerce.catalogue import values
from commerce.catalogue.categories import Category
from commerce.catalogue.food import FoodInformation, NetContent, Storage, in_order
from commerce.catalogue.sets import SetPart, shares_bp
from commerce.errors import NotFound
from commerce.io.audit import AUDIT_TRAIL, audit
from commerce.io.invariants import INVARIANTS
from commerce.io.shop.seed import seed
from commerce.io.shop.staff import log_out_everywhere, store_password
from commerce.io.shop.staff_totp import turn_off_factor
from commerce.people.password_policy import WeakPassword, require_strong
from server.errors import OperatorError
from server.net.files import raise_file_limit
from server.ops.checks import (
    CheckResult,
    kernel_results,
    record_clock,
    redis_results,
    result,
    running_results,
)
from server.ops.embedded import EmbeddedValkey
from server.ops.opening import open_record
from server.ops.reachability import unreachable
from server.ops.shop_file import FoodPart, Place, ProductPart, ShopFile, Text, read_shop
from server.ops.supervisor import workers_here
from server.redis_client import open_redis
from server.settings import Settings

DISK_BYTES_MIN = 1 << 30
FILES_WANTED = 4_096
REDIS_TIMEOUT_S = 5.0


async def upgrade(settings: Settings) -> None:
    """Bring the record to the newest schema."""
    async with open_record(settings):
        pass


async def load(settings: Settings, file: Path, password: str) -> None:
    """Load the shop in `file`; its staff get `password`.

    Raises:
        OperatorError: The file is not a shop, or the password is weak.
    """
    shop = read_shop(file)
    for person in shop.staff:
        _check_password(password, person.username)
    await load_shop(settings, shop, password)


async def set_password(settings: Settings, username: str, password: str) -> None:
    """Give one member of the staff a new password.

    Raises:
        OperatorError: Nobody has this name, or the password is weak.
    """
    _check_password(password, username)
    with _staff_named(username):
        async with open_record(settings) as engine:
            await store_password(engine, username, password)


async def log_out(settings: Settings, username: str) -> None:
    """End the tokens of one member of the staff.

    Raises:
        OperatorError: Nobody has this name.
    """
    with _staff_named(username):
        async with open_record(settings) as engine:
            await log_out_everywhere(engine, username)


async def take_factor(settings: Settings, username: str) -> None:
    """Take the authenticator of one member of the staff away.

    Raises:
        OperatorError: Nobody has this name.
    """
    with _staff_named(username):
        async with open_record(settings) as engine:
            await turn_off_factor(engine, username)


async def load_shop(settings: Settings, shop: ShopFile, password: str) -> None:
    """Load a shop into the record; a server that runs takes it over within seconds.

    The password is taken as it is: one that was made at random may look like any other.
    """
    async with open_record(settings) as engine:
        await seed(engine, plan_of(shop, password))


async def examine(settings: Settings) -> list[CheckResult]:
    """Check what can be checked from outside a running server."""
    files = raise_file_limit()
    results = [
        result("pages are built", (settings.web_dir / "room.html").is_file(), "Run `make setup`."),
        result(
            "disk has room",
            shutil.disk_usage(_existing(settings.data_dir)).free > DISK_BYTES_MIN,
            f"Less than 1 GiB is free where {settings.data_dir} lies.",
        ),
        result(
            "files may be open",
            files >= FILES_WANTED,
            f"{files} files give fewer than {FILES_WANTED} viewers a place. "
            "Raise ulimit -Hn, or LimitNOFILE= of systemd.",
        ),
    ]
    results += kernel_results()
    results += await _candidates_answer(settings)
    if settings.redis_url:
        results += await _redis_answers(settings.redis_url)
    else:
        results += await running_results(EmbeddedValkey(settings.data_dir).url)
    try:
        async with open_record(settings) as engine:
            results += await record_clock(engine)
            found = await audit(engine)
    except (SQLAlchemyError, OSError, OperatorError) as error:
        return [*results, CheckResult("record: can be opened", False, str(error))]
    for invariant in (*INVARIANTS, AUDIT_TRAIL):
        wrong = [finding.what for finding in found if finding.invariant == invariant]
        results.append(CheckResult(f"record: {invariant}", not wrong, "; ".join(wrong)))
    return results


def _check_password(password: str, username: str) -> None:
    try:
        require_strong(password, username)
    except WeakPassword as error:
        raise OperatorError(f"{username}: {error}") from None


@contextmanager
def _staff_named(username: str) -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise OperatorError(f"No member of the staff logs in as {username}.") from None


def plan_of(shop: ShopFile, password: str) -> values.SeedPlan:
    """Return a shop file as commerce takes it."""
    stores = [store.id for store in shop.stores]
    price_fen = {part.id: part.price_fen for part in shop.products}
    return values.SeedPlan(
        brand=values.Brand(
            shop.brand.id,
            _text(shop.brand.name),
            shop.brand.confirm_above_fen,
            shop.brand.units_per_address,
            shop.brand.units_per_device,
            shop.brand.seats_per_device,
            shop.brand.recording_days,
            shop.brand.recording_gib,
            shop.brand.phone_needed,
        ),
        stores=tuple(
            values.Store(part.id, _text(part.name), _text(part.address), _position(part))
            for part in shop.stores
        ),
        estates=tuple(
            values.Estate(part.id, _text(part.name), _position(part), part.store, part.city or "")
            for part in shop.estates
        ),
        cities=tuple(values.City(part.id, _text(part.name)) for part in shop.cities),
        categories=tuple(
            Category(part.id, _text(part.name), part.parent or "", rank)
            for rank, part in enumerate(shop.categories)
        ),
        food={part.id: _food(part.food) for part in shop.products},
        options={part.id: part.as_option() for part in shop.products},
        rooms=tuple(values.Room(part.id, _text(part.title), part.store) for part in shop.rooms),
        products=tuple(_product(part, price_fen) for part in shop.products),
        stock=tuple(
            values.Stock(part.id, store, units)
            for part in shop.products
            if not part.parts
            for store, units in (
                part.stock.items()
                if isinstance(part.stock, dict)
                else ((store, part.stock) for store in stores)
            )
        ),
        staff=tuple(
            values.SeedStaff(
                values.Staff(
                    id=f"staff-{part.username}",
                    username=part.username,
                    name=part.name,
                    roles=tuple(part.roles),
                    room_id=part.room or "",
                    store_id=part.store or "",
                    estate_ids=tuple(sorted(part.estates)),
                ),
                password,
            )
            for part in shop.staff
        ),
    )


def _product(part: ProductPart, price_fen: Mapping[str, int]) -> values.Product:
    offer = part.group
    alone_fen = [price_fen[item.product] * item.units for item in part.parts]
    shares = shares_bp(alone_fen) if alone_fen else ()
    return values.Product(
        id=part.id,
        name=_text(part.name),
        unit=_text(part.unit),
        image=part.image,
        price_fen=part.price_fen,
        list_price_fen=part.list_price_fen or part.price_fen,
        group=values.GroupOffer(offer.price_fen, offer.target, offer.duration_s) if offer else None,
        on_sale=part.on_sale,
        parts=tuple(
            SetPart(item.product, item.units, share, item.role)
            for item, share in zip(part.parts, shares, strict=True)
        ),
        recipe=values.Text(part.recipe.zh, part.recipe.en) if part.recipe else None,
        cooking_minutes=part.cooking_minutes,
        category_id=part.category or "",
    )


def _food(part: FoodPart) -> FoodInformation:
    storage, net, ingredients = part.storage, part.net, part.ingredients
    return FoodInformation(
        values.Text(ingredients.zh, ingredients.en) if ingredients else None,
        in_order(part.allergens),
        part.shelf_life_days,
        Storage(storage.kind, storage.min_c, storage.max_c) if storage else None,
        NetContent(net.amount, net.unit) if net else None,
        _text(part.origin) if part.origin else None,
    )


def _text(text: Text) -> values.Text:
    return values.Text(text.zh, text.en)


def _position(place: Place) -> values.Coordinates:
    return values.Coordinates(place.latitude, place.longitude)


async def _redis_answers(url: str) -> list[CheckResult]:
    async with open_redis(url) as client:
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                return [CheckResult("redis answers", True), *await redis_results(client)]
        except (RedisError, OSError, TimeoutError) as error:
            return [CheckResult("redis answers", False, f"LINLI_REDIS_URL: {error}")]


async def _candidates_answer(settings: Settings) -> list[CheckResult]:
    if not settings.ice_addresses:
        return []
    ports = range(settings.ice_port, settings.ice_port + workers_here(settings))
    found: dict[str, str] = {}
    silent: dict[str, list[str]] = {}
    for port in ports:
        for address, why in (await unreachable(settings.ice_addresses, port)).items():
            found[address] = found.get(address) or why
            silent.setdefault(address, []).extend([str(port)] if why else [])
    return [
        result(
            f"ICE address {address} answers",
            not why,
            f"LINLI_ICE_ADDRESSES: {why}. Open UDP port {', '.join(silent[address])} and forward "
            "it to this machine. Behind a router that does not lead its own address back in, ask "
            "from outside.",
        )
        for address, why in found.items()
    ]


def _existing(path: Path) -> Path:
    """Return `path` or the nearest folder above it that exists."""
    path = path.resolve()
    return path if path.exists() else _existing(path.parent)
