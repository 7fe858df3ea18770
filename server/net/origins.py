"""Web origins (RFC 6454): parsed and compared, so that one origin has one form."""

from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a page; the port is always said."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read what a browser sends or an operator writes, such as https://shop.example.

        Raises:
            ValueError: It is no origin of a web page.
        """
        parts = urlsplit(text.strip())
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
        if not parts.hostname or port is None or parts.path not in ("", "/"):
            raise ValueError(f"{text!r} is no origin, such as https://shop.example")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"{text!r} has more than scheme, host and port")
        return cls(parts.scheme, _host(parts.hostname), port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    def is_of(self, host_field: str) -> bool:
        """Whether this is the origin of the server that `host_field` (RFC 9110 §7.2) names.

        Behind a proxy that ends TLS we do not see the scheme: both default ports are one.
        """
        try:
            parts = urlsplit(f"//{host_field.strip()}")
            port = parts.port
        except ValueError:
            return False
        if not parts.hostname or _host(parts.hostname) != self.host:
            return False
        defaults = (None, *DEFAULT_PORTS.values())
        return port == self.port or (port in defaults and self.port in defaults)


def _host(name: str) -> str:
    """A host name without the dot of the root; an internationalised one as on the wire."""
    name = name.lower().rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"{name!r} is no host name") from None
