"""Whether the target wants this load: only this machine, or who shows the operator's token."""

import hashlib
import hmac

from loadtest.clients.http import PlainHttp
from loadtest.errors import LoadError, NoAnswer, RequestRefused
from loadtest.runner.target import Address, get_json

PATH = "/.well-known/linli-loadtest"


class NoConsent(LoadError):
    """The target has not said that it may be tested."""


async def check_consent(address: Address, http: PlainHttp, token: str) -> None:
    """Return if the target may be put under load.

    Raises:
        NoConsent: It is another machine, and does not carry `token`.
    """
    if address.is_loopback:
        return
    if not token:
        raise NoConsent(
            f"{address.host} is not this machine: set LINLI_LOADTEST_TOKEN there, and give the "
            "same as --token"
        )
    try:
        carried = str((await get_json(http, PATH))["token_sha256"])
    except RequestRefused as error:
        raise NoConsent(
            f"{address.host} does not allow load tests: {PATH} answers {error.status}"
        ) from None
    except NoAnswer:
        raise
    except (KeyError, TypeError):
        carried = ""
    if not hmac.compare_digest(carried, hashlib.sha256(token.encode()).hexdigest()):
        raise NoConsent(f"{address.host} carries another token at {PATH}: it is not to be tested")
