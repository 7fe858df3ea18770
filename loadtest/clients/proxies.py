"""Whether the proxy of the environment (`http_proxy`) is asked: not on the way to this machine."""

import ipaddress
from urllib.parse import urlsplit


def uses_proxy(url: str) -> bool:
    """Whether requests to `url` go through the environment's proxy, if it names one."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
