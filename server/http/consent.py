"""`/.well-known/linli-loadtest`: whether a load test may be run against this installation.

It shows the hash of the operator's token, so that who reads it cannot begin a run with it.
"""

import hashlib

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.problem import Problem
from server.services import Services


async def loadtest_consent(request: Request) -> Response:
    """Answer with the hash of LINLI_LOADTEST_TOKEN.

    Raises:
        Problem: 404 `no-loadtest`, the setting is empty.
    """
    services: Services = request.app.state.services
    token = services.settings.loadtest_token.get_secret_value()
    if not token:
        raise Problem(
            404,
            "no-loadtest",
            "No load test wanted.",
            "The operator allows one by setting LINLI_LOADTEST_TOKEN.",
        )
    return JSONResponse(
        {"token_sha256": hashlib.sha256(token.encode()).hexdigest()},
        headers={"Cache-Control": "no-store"},
    )
