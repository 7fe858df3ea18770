"""The offer of a host with RTX, and what is chosen of it."""

from media.wire import sdp
from tests.support.sdp_offers import OFFER

RTX = "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"


ONE = OFFER.replace("SAVPF 96", "SAVPF 96 97") + RTX


def chosen(offer: str) -> dict[str, sdp.Sending]:
    return sdp.choose_published(sdp.parse_offer(offer, "publish"))
