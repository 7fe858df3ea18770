"""All settings of the program, read from `LINLI_*` environment variables in this one place.

Every setting is listed in docs/settings.md; a test holds the two together.
"""

import difflib
import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.net.addresses import Proxies, candidate_of
from server.net.origins import Origin
from server.worker import VARIABLE as WORKER_VARIABLE
from server.worker import WORKERS_MAX

if TYPE_CHECKING:
    from sqlalchemy import URL

COMMAND_VARIABLES = ("LINLI_PUBLISH_TOKEN", WORKER_VARIABLE)
ROLES = ("edge", "insight")
# What an operator has at hand is often without the driver that we use.
DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}


class CascadePolicy(StrEnum):
    """When a worker that a viewer reached receives another worker's live and serves it itself."""

    OFF = "off"
    FULL = "full"
    NODES = "nodes"
    ALWAYS = "always"


class InsightProcess(StrEnum):
    """Where a server does what the role insight does."""

    AUTO = "auto"
    OWN = "own"
    SHARED = "shared"


class Settings(BaseSettings):
    """What an operator can set. The defaults run the whole system on one laptop."""

    model_config = SettingsConfigDict(env_prefix="LINLI_", extra="ignore", frozen=True)

    host: str = Field(
        "0.0.0.0",
        description="Address to listen on for HTTP and WebSocket; "
        ":: is every address of IPv4 and IPv6.",
    )
    port: int = Field(8080, ge=0, le=65535, description="TCP port of HTTP and WebSocket.")
    workers: int = Field(
        0,
        ge=0,
        le=WORKERS_MAX,
        description="Processes that share the port of HTTP, under one supervisor. 0 or auto: one "
        "for each core where LINLI_REDIS_URL and LINLI_DATABASE_URL are set, else one.",
    )
    supervise: bool = Field(
        True,
        description="Whether a worker that is alone has a supervisor, as several have: it is "
        "started again when it ends, and killed and replaced when it stops answering.",
    )
    ice_port: int = Field(
        8440,
        ge=0,
        le=65535,
        description="UDP port of WebRTC; a worker's number is added to it.",
    )
    viewers_max: int = Field(
        0,
        ge=0,
        le=100_000,
        description="WebRTC viewers of one worker. 0: as many as its CPU carries.",
    )
    cascade: CascadePolicy = Field(
        CascadePolicy.FULL,
        description="When a worker receives a live from the worker that has it and serves viewers "
        "of its own: `full`: when that one is full; `nodes`: also when it is on another node; "
        "`always`; `off`: never.",
    )
    cascade_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="UDP port by which workers receive lives from each other, in the private "
        "network; a worker's number is added to it. 0: 100 above LINLI_ICE_PORT, "
        "or any other if that is taken.",
    )
    cascade_fanout: int = Field(
        8,
        ge=1,
        le=1_000,
        description="How many workers receive one live from the same worker. Beyond that they "
        "receive it from each other, at most 4 hops from the worker that has it.",
    )
    rtmp_port: int | None = Field(
        1935,
        ge=0,
        le=65535,
        description="TCP port where encoders (OBS, phone apps) publish by RTMP. Empty: none.",
    )
    transcode_streams: int = Field(
        0,
        ge=0,
        le=64,
        description="How many lives with B-frames are re-encoded for WebRTC at a time, each in a "
        "process of its own at low priority: about a quarter of a core for 720p. 0: none, their "
        "viewers watch by HLS.",
    )
    restream_private: bool = Field(
        False,
        description="Whether lives may be pushed to RTMP servers on this machine and in private "
        "networks.",
    )
    ice_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses offered as ICE candidates, comma separated: IPv4, IPv6, or host "
        "names, which are resolved (A and AAAA) at the start and once a minute. "
        "Empty: every local address and those of loopback.",
    )
    ice_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="STUN and TURN servers for clients in closed networks, comma separated, e.g. "
        "turn:turn.example.org:3478?transport=tcp.",
    )
    turn_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="The TURN servers' shared secret (coturn: static-auth-secret), from which "
        "credentials for six hours are made.",
    )
    data_dir: Path = Field(
        Path("var"),
        description="Folder of the embedded Valkey, SQLite file, recordings and signing key.",
    )
    font: str = Field(
        "",
        description="TrueType file with Chinese in which labels, pick lists and cards are printed. "
        "Empty: that of Debian's fonts-wqy-microhei, fonts-wqy-zenhei or fonts-droid-fallback.",
    )
    node_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="Base URL at which other nodes reach this one, in the private network, e.g. "
        "http://10.0.0.7:8080. Empty: the first address of this machine and LINLI_PORT.",
    )
    redis_url: str = Field(
        "",
        description="Redis or Valkey to use; nodes of a cluster as "
        "redis://a:6379,b:6379/?cluster=true. Empty: a private Valkey child process.",
    )
    database_url: str = Field(
        "",
        description="SQLAlchemy URL of the record, e.g. postgresql+asyncpg://… "
        "Empty: SQLite in WAL mode in the data folder.",
    )
    blob_url: SecretStr = Field(
        SecretStr(""),
        description="Where recordings and pictures are kept: "
        "s3://bucket/prefix?endpoint=https://…&region=…, for S3 or what speaks its protocol; "
        "credentials as s3://key:secret@bucket, or in AWS' own variables. "
        "Empty: files in the data folder.",
    )
    cabinets_url: SecretStr = Field(
        SecretStr(""),
        description="The MQTT broker of cold cabinets: mqtt://user:password@host:port/prefix, or "
        "mqtts:// for TLS; the prefix is linli/cabinets by default. Empty: cabinets send by HTTP "
        "only.",
    )
    roles: Annotated[tuple[str, ...], NoDecode] = Field(
        ROLES,
        description="What this process does, comma separated: edge answers requests and carries "
        "lives, insight fills the lake and keeps the walls. insight alone does it for servers "
        "elsewhere, and answers nothing.",
    )
    insight_process: InsightProcess = Field(
        InsightProcess.AUTO,
        description="Where a server does what the role insight does: `own`, a process of its own "
        "at low priority and with bounded memory, started again when it ends; `shared`, in the "
        "server's; `auto`, in its own where there is more than one core.",
    )
    lake_url: SecretStr = Field(
        SecretStr(""),
        description="Where the lake's Delta tables are: a folder, or "
        "s3://bucket/prefix?endpoint=https://…&region=…, as for LINLI_BLOB_URL. "
        "Empty: `lake` in the data folder.",
    )
    token_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret that signs bearer tokens, at least 32 characters; the same on every "
        "node. Empty: made once and kept in the data folder.",
    )
    phone_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret by which phone numbers are hashed, at least 32 characters, the same on "
        "every node; with another one, nobody's number is known again. Empty: the one that signs "
        "tokens.",
    )
    push_contact: str = Field(
        "",
        pattern=r"^((mailto:|https://)\S+)?$",
        description="Where push services reach the operator, a mailto: or https: URL; Safari's "
        "takes no messages without it.",
    )
    push_services: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins of push services to which messages to browsers may go beside those "
        "of Chrome, Edge, Firefox and Safari, comma separated, e.g. https://push.example.org.",
    )
    wechat_app_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]*$",
        description="App id of the WeChat account whose JS-SDK pages may use. Empty: none.",
    )
    wechat_secret: SecretStr = Field(SecretStr(""), description="The secret of that WeChat app.")
    wechat_api: str = Field(
        "https://api.weixin.qq.com",
        pattern=r"^https?://[^/\s]+/?$",
        description="Base URL of WeChat's interface.",
    )
    sms_url: SecretStr = Field(
        SecretStr(""),
        description="Account that sends one-time codes by SMS: "
        "tencent://SecretId:SecretKey@sms.tencentcloudapi.com/?app=…&sign=…&template=…&region=…. "
        "Empty: codes are written to the log, for development.",
    )
    sms_notices: bool = Field(
        False,
        description="Send notices of orders that are ready and of refunds by SMS to guests who "
        "agreed to it and are reached no other way; each costs what the account's provider "
        "charges. LINLI_SMS_URL names the templates, with the store's name as parameter: "
        "…&ready=…&refund=….",
    )
    wechat_url: SecretStr = Field(
        SecretStr(""),
        description="WeChat official account that sends one-time messages: "
        "wechat://APPID:SECRET@api.weixin.qq.com/?template=…. Empty: none.",
    )
    payments: str = Field(
        "sandbox",
        description="How orders are paid: sandbox (at once, and no money moves), sandbox-async (at "
        "the pages of `linli payments sandbox`), or the TOML file of an account at WeChat Pay, "
        "Alipay or Stripe ([payment providers](payment-providers.md)).",
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="Base URL at which buyers and payment providers reach this server, e.g. "
        "https://shop.example.org; needed where LINLI_PAYMENTS is a file, "
        "and for LINLI_WECHAT_URL.",
    )
    allowed_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (),
        description="Origins, comma separated, from which browsers may open the WebSocket, "
        "besides the server's own.",
    )
    base_path: str = Field(
        "",
        description="Stays empty: Linli needs the root of a host name and does not run under a "
        "path of it. Anything else ends the start.",
    )
    publish_grace_s: float = Field(
        30.0, ge=0, le=600, description="How long viewers are kept when a host's stream breaks off."
    )
    drain_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Over how long a worker that is stopped lets viewers and hosts go, so that "
        "they move to others. 0: all at once.",
    )
    confirm_timeout_s: float = Field(
        5.0, gt=0, le=60, description="How long an order request waits for its confirmation."
    )
    trust_proxy: Annotated[Proxies, NoDecode] = Field(
        Proxies(),
        description="Proxies of your own in front of the server, which say for whom they ask in "
        "X-Forwarded-For: addresses or networks, comma separated, or how many there are in a row.",
    )
    connections_max: int = Field(
        0,
        ge=0,
        description="HTTP and WebSocket connections in all. 0: as many as the limit of open files "
        "allows, at most 20,000.",
    )
    connections_per_address_max: int = Field(
        2_000,
        ge=1,
        description="HTTP connections of one address; a whole estate may sit behind one. "
        "Proxies in LINLI_TRUST_PROXY have no such limit.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token that opens /metrics. Empty: only this machine itself may ask.",
    )
    otlp_url: str = Field(
        "",
        description="Address of an OpenTelemetry collector (OTLP over HTTP), e.g. "
        "http://127.0.0.1:4318, that gets traces of orders and joins; needs the extra `otlp`. "
        "Empty: none are made.",
    )
    traces_share: float = Field(
        1.0, ge=0, le=1, description="Share of orders and joins that are traced."
    )
    loadtest_token: SecretStr = Field(
        SecretStr(""),
        description="Token with which `linli loadtest` may be run against this installation from "
        "another machine. Empty: it refuses to.",
    )
    rate_limits: bool = Field(
        True, description="Limits per address and person; off only for load tests."
    )
    log_format: str = Field(
        "text", pattern="^(text|json)$", description="`text` for people, `json` for machines."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level that is logged."
    )
    web_dir: Path = Field(
        Path(__file__).parent.parent / "web" / "dist",
        description="Folder of the built browser apps.",
    )

    @field_validator("ice_addresses", "ice_servers", "push_services", "roles", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("ice_addresses")
    @classmethod
    def _are_addresses_or_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(candidate_of, value))

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(value) - set(ROLES):
            raise ValueError(f"{sorted(unknown)[0]!r} is none of {', '.join(ROLES)}")
        if not value:
            raise ValueError(f"name at least one of {', '.join(ROLES)}")
        return value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _are_origins(cls, value: object) -> object:
        return tuple(map(Origin.parse, _parts(value))) if isinstance(value, str) else value

    @field_validator("base_path")
    @classmethod
    def _is_the_root(cls, value: str) -> str:
        if value.strip("/"):
            raise ValueError(
                "pages, rooms and media need the root of a host name: give Linli one of its own, "
                "such as shop.example, instead of a path"
            )
        return ""

    @field_validator("trust_proxy", mode="before")
    @classmethod
    def _are_proxies(cls, value: object) -> object:
        if isinstance(value, str):
            return Proxies.parse(_parts(value))
        return value

    @field_validator("workers", mode="before")
    @classmethod
    def _auto_is_zero(cls, value: object) -> object:
        return 0 if value == "auto" else value

    @field_validator("rtmp_port", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("ice_servers")
    @classmethod
    def _are_ice_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if not re.fullmatch(r"(stuns?|turns?):[^\s<>\"/]+", url):
                raise ValueError(f"{url!r} is no STUN or TURN URL, such as turn:host:3478")
        return value

    @field_validator("turn_secret")
    @classmethod
    def _turn_has_a_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        servers = info.data.get("ice_servers", ())
        if not value.get_secret_value() and any(url.startswith("turn") for url in servers):
            raise ValueError("TURN servers need their shared secret")
        return value

    @field_validator("token_secret", "phone_secret")
    @classmethod
    def _secret_is_long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError("a secret needs at least 32 characters")
        return value

    @property
    def local_url(self) -> str:
        """Where a client on this machine reaches the server."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def sql_url(self) -> "URL":
        """The URL of the record, embedded default included."""
        from sqlalchemy import URL, make_url  # which a supervisor does not need

        if not self.database_url:
            # A folder's name may have characters that mean something in a URL.
            return URL.create(
                "sqlite+aiosqlite", database=f"{self.data_dir.resolve()}/linli.sqlite3"
            )
        url = make_url(self.database_url)
        return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _parts(text: str) -> tuple[str, ...]:
    """Split a list at its commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def unknown_names(environment: Iterable[str]) -> dict[str, str]:
    """Return names that look like settings and are none, each with the setting it resembles."""
    known = [f"LINLI_{name.upper()}" for name in Settings.model_fields]
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1)), "")
        for name in environment
        if name.startswith("LINLI_") and name not in known and name not in COMMAND_VARIABLES
    }
