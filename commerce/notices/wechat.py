"""WeChat's one-time subscription messages: a buyer grants them one by one, each for one message.

WeChat does not add up grants of one scene: a buyer grants one for each of `SCENES`.
"""

from dataclasses import dataclass
from typing import Protocol

from commerce.notices.push import PushAnswer, PushMessage

SCENES = range(5)  # of 0 to 10000
ASK_TTL_MS = 10 * 60_000  # from asking a buyer to WeChat's answer
TITLE_CHARS_MAX = 15
BODY_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Grant:
    """One message that WeChat delivers to a buyer."""

    openid: str
    scene: int
    language: str


class WechatMessages(Protocol):
    """Sends messages in WeChat."""

    def ask_url(self, scene: int, nonce: str) -> str:
        """Return where a buyer grants a message; WeChat sends the nonce back."""
        ...

    def is_ours(self, template_id: str) -> bool:
        """Whether a grant is for the template of our messages."""
        ...

    async def send(self, to: Grant, message: PushMessage) -> PushAnswer:
        """Send one message; GONE: the grant was used or withdrawn, or the buyer blocks us."""
        ...


def free_scene(taken: set[int]) -> int | None:
    """Return the scene that a buyer is asked for next; None: all are granted."""
    return next((scene for scene in SCENES if scene not in taken), None)
