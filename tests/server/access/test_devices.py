"""A device is recognised for the person who logged in there, and for nobody else."""

from http.cookies import SimpleCookie

from starlette.responses import Response

from server.access.devices import Devices

SECRET = "s" * 32


def kept(devices: Devices, username: str) -> dict[str, str]:
    """The cookies that a browser keeps after a log-in."""
    response = Response()
    devices.remember(response, username, secure=True)
    header = response.headers["set-cookie"]
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/api/login"} <= set(header.split("; "))
    return {name: morsel.value for name, morsel in SimpleCookie(header).items()}


def test_a_device_is_recognised_on_every_node() -> None:
    cookies = kept(Devices(SECRET), "li") | kept(Devices(SECRET), "chen")
    li, chen = (Devices(SECRET).recognise(cookies, name) for name in ("li", "chen"))
    assert li and chen and li != chen


def test_a_cookie_of_somebody_else_or_another_secret_proves_nothing() -> None:
    cookies = kept(Devices(SECRET), "li")
    [value] = cookies.values()
    forged = {name: value for name in kept(Devices(SECRET), "chen")}
    assert Devices(SECRET).recognise(forged, "chen") == ""
    assert Devices("t" * 32).recognise(cookies, "li") == ""
    assert Devices(SECRET).recognise({name: "ü.ü" for name in cookies}, "li") == ""
    assert Devices(SECRET).recognise({}, "li") == ""
