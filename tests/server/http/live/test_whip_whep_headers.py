"""What WHIP and WHEP answers have beside the SDP: links, extensions, CORS, Server-Timing."""

import base64
import hmac
import re
import time

import pytest

from media.wire.rtp import Packet
from media.wire.sdp import RID_URI
from tests.support.live_routes import PLAY_OFFER, SDP, WHEP, WHIP, LiveRoutes, refused
from tests.support.sdp_offers import OFFER

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_extensions_are_named_and_never_required_section_4_9(linli: LiveRoutes) -> None:
    session = await linli.play()
    named = re.findall(r'rel="(urn:ietf:params:whep:ext:[^"]+)"', str(session.headers))
    assert named == [
        "urn:ietf:params:whep:ext:core:server-sent-events",
        "urn:ietf:params:whep:ext:core:layer",
    ]
    assert session.status_code == 201


async def test_head_of_the_endpoint_identifies_whep_draft_section_4_2(linli: LiveRoutes) -> None:
    answer = await linli.client.head(WHEP)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/sdp")


async def test_options_has_accept_post_and_accept_patch_section_4_2_and_4_6(
    linli: LiveRoutes,
) -> None:
    session = (await linli.play()).headers["Location"]
    for url in (WHIP, WHEP, session):
        answer = await linli.client.options(url)
        assert answer.status_code == 200
        assert answer.headers["Accept-Post"] == "application/sdp"
        allowed = answer.headers["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in ("authorization", "content-type", "if-match"))
        assert "link" not in answer.headers  # credentials are not for preflights
    assert "sdpfrag" in answer.headers["Accept-Patch"]


async def test_cors_exposes_the_whip_and_whep_headers(linli: LiveRoutes) -> None:
    exposed = (await linli.play()).headers["Access-Control-Expose-Headers"]
    needed = {"Location", "ETag", "Link", "Retry-After", "Server-Timing"}
    assert needed <= set(exposed.split(", "))


async def test_server_timing_has_the_repair_delay_of_the_host(linli: LiveRoutes) -> None:
    """As a metric of W3C Server Timing, for the delay that their page begins with."""
    assert (await linli.play()).headers["Server-Timing"] == "held;dur=0"
    track = linli.media._lives.by_room["demo"].tracks["video"].layers[0]
    for sequence in (1, 3):
        track.receive(Packet(96, False, sequence, 0, 1, b"\x65\x88"), now=10.0)
    track.poll(now=10.0)
    track.receive(Packet(96, False, 2, 0, 1, b"\x65\x88"), now=10.18)
    track.poll(now=10.18)
    again = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    # And a round trip more, for one that is lost itself, and the time of a frame.
    assert again.headers["Server-Timing"] == "held;dur=320"


async def test_ice_servers_come_as_links_section_4_6(linli: LiveRoutes) -> None:
    for answer in (await linli.publish(), await linli.play()):
        links = [link for link in answer.headers.get_list("Link") if "ice-server" in link]
        assert '<stun:stun.example.org>; rel="ice-server"' in links
        [turn] = [link for link in links if link.startswith("<turn:")]
        found = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', turn))
        assert found["credential-type"] == "password"
        assert int(found["username"].partition(":")[0]) > time.time() + 3_600
        digest = hmac.digest(b"closed networks", found["username"].encode(), "sha1")
        assert base64.b64decode(found["credential"]) == digest


async def test_event_types_are_offered_and_selected_whep_extension(linli: LiveRoutes) -> None:
    session = await linli.play()
    [link] = [link for link in session.headers.get_list("Link") if "server-sent-events" in link]
    events = re.match(r"<([^>]+)>", link)
    assert events
    chosen = await linli.client.post(events[1], json=["viewercount", "scte35"])
    assert chosen.status_code == 201
    assert chosen.headers["Location"].endswith("?of=viewercount")
    refused(await linli.client.post(events[1], json=["scte35"]), 422)
    refused(await linli.client.post(events[1], content="active"), 400)
    refused(await linli.client.post(events[1], content=b"[" * 1_900), 400)
    refused(await linli.client.post(events[1], json=["active"] * 1_000), 413)
    await linli.client.delete(session.headers["Location"])
    refused(await linli.client.post(events[1], json=["active"]), 404)


async def test_layers_are_listed_and_chosen_whep_extension(linli: LiveRoutes) -> None:
    simulcast = OFFER.replace(
        "a=mid:1\r\n", f"a=mid:1\r\na=extmap:4 {RID_URI}\r\na=simulcast:send l;h\r\n"
    )
    await linli.publish(simulcast)
    linli.media._lives.by_room["demo"].on_air = True
    session = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    [url] = re.findall(
        r"<(\S+)>; rel=\"urn:ietf:params:whep:ext:core:layer\"", session.headers["Link"]
    )
    listed = (await linli.client.get(url)).json()
    assert [layer["encodingId"] for layer in listed["layers"]] == ["l", "h"]
    assert (listed["current"], listed["chosen"]) == (None, None)
    wish = {"mediaId": "1", "encodingId": "h", "maxHeight": 720}
    assert (await linli.client.post(url, json=wish)).status_code == 204
    assert (await linli.client.get(url)).json()["chosen"] == "h"
    refused(await linli.client.post(url, json={"encodingId": "x"}), 422)
    refused(await linli.client.post(url, json={"maxHeight": 0}), 422)
    refused(await linli.client.post(url, content="no JSON"), 422)
    await linli.client.delete(session.headers["Location"])
    refused(await linli.client.get(url), 404)
    refused(await linli.client.post(url, json=wish), 404)
