"""The composition root: `build(settings, **fakes)` joins media, rooms and commerce.

Real adapters are the defaults; tests hand in fakes by keyword. What is opened here is closed here,
in reverse order.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from commerce.io.commerce import Commerce
from commerce.io.messages.web_push import WebPush, push_key
from commerce.io.record.migrate import upgrade
from commerce.io.shop.sealing import Sealer
from commerce.money.payments import Payments
from commerce.money.providers import PaymentProvider
from commerce.people.phones import PhoneKeys
from commerce.spans import no_spans
from insight.facts import CHATS, LIVES
from insight.io.query_process import QueryProcess
from media.errors import TooManyAttempts, Unresolvable
from media.io.blobs.files import FileBlobs
from media.io.cascade.cascade import Cascade
from media.io.flv.road import FlvRoad
from media.io.hls.road import HlsRoad
from media.io.recording.road import RecordingRoad
from media.io.recording.thumbnails import RecordingThumbnails
from media.io.reencode.road import ReencodeRoad
from media.io.restream.road import RestreamRoad
from media.io.rtmp.listener import RtmpListener
from media.io.thumbnails import Thumbnails
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.recording.blobs import BlobStore
from rooms.io.hub import RoomHub
from server.access.host_sessions import HostSessions
from server.access.moves import MoveCodes
from server.access.rehearsals import Rehearsals
from server.access.tokens import Access
from server.bridge.audience import AudienceNotes
from server.bridge.channels.registry import RULES
from server.bridge.facts import FactSpool
from server.bridge.feed import RoomFeed, room_seed
from server.bridge.kpi import KpiReader
from server.bridge.live_topics import LiveTopics
from server.bridge.lives import OwnedLives
from server.bridge.moderation import RecordModeration
from server.bridge.prompter import RoomPrompters
from server.bridge.recordings import LiveRecorder
from server.bridge.redis_lease import RedisLeases
from server.bridge.restreams import RoomRestreams
from server.errors import OperatorError
from server.http.live.hls_direct import DirectHls
from server.lake import Runs, cabinet_subscriber, insight_of
from server.latency import Latency
from server.limits import LimitKind, Limits
from server.net.addresses import NO_ADDRESS, limit_key
from server.net.connections import ConnectionTable
from server.net.direct import Direct
from server.net.files import connections_max, raise_file_limit
from server.ops import metrics
from server.ops.embedded import EmbeddedValkey
from server.ops.heartbeat import Heart
from server.ops.lake import open_lake
from server.ops.messages import open_sms, open_sms_notices, open_wechat
from server.ops.opening import find_pages, open_data_folder, open_record, opening
from server.ops.payments import links_of, open_provider
from server.ops.pictures import Pictures
from server.ops.secrets import phone_secret, token_secret
from server.ops.spool import open_spool
from server.printing.drawings import Drawings
from server.problem import Problem
from server.redis_client import open_redis
from server.routes import application
from server.services import Services
from server.settings import Settings
from server.tracing import open_tracing
from server.worker import Worker
from server.workers.hops import open_cascade
from server.workers.owners import node_url
from server.workers.passing import PassOn
from server.workers.peers import Peers
from server.workers.siblings import Siblings
from server.workers.signing import Signer
from server.ws.connection import RoomConnection, room_protocol
from server.ws.wire import CODECS

REDIS_CONNECTIONS_MAX = 64
REDIS_WAIT_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Program:
    """What uvicorn runs: the HTTP application and the WebSocket protocol beside it."""

    app: Starlette
    websocket: type[RoomConnection]
    services: Services
    direct: Direct  # answers before the application does


@contextlib.asynccontextmanager
async def build(
    settings: Settings,
    *,
    redis: Redis | None = None,
    engine: AsyncEngine | None = None,
    payments: Payments | None = None,
    provider: PaymentProvider | None = None,
    worker: Worker | None = None,
) -> AsyncIterator[Program]:
    """Open everything, yield the running program, close everything.

    Raises:
        OperatorError: A setting names what cannot be opened.
    """
    worker = worker or Worker()
    find_pages(settings)
    open_data_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        tracing = open_tracing(settings, worker)
        if tracing is not None:
            stack.callback(tracing.close)
        reachable_at = ""  # where a process of its own reaches what this one does
        if redis is None:
            redis, reachable_at = await _open_redis(settings, stack)
        if engine is None:
            engine = await stack.enter_async_context(open_record(settings))
        else:
            reachable_at = ""
            await upgrade(engine)
        media = await _open_media(settings, worker)
        stack.push_async_callback(media.close)
        provider = provider or await open_provider(settings, stack)
        hub = await RoomHub.open(redis, CODECS, RULES)
        stack.push_async_callback(hub.close)
        commerce = Commerce(
            engine,
            redis,
            RoomFeed(hub, media.event_time),
            payments=payments,
            provider=provider,
            links=links_of(settings, provider),
            codes=open_sms(settings),
            push=WebPush(
                push_key(token_secret(settings)),
                lambda: int(time.time()),
                contact=settings.push_contact,
            ),
            push_services=settings.push_services,
            wechat=open_wechat(settings),
            sms=open_sms_notices(settings),
            phone_keys=PhoneKeys(phone_secret(settings)),
            sealer=Sealer(token_secret(settings), "totp"),
            pickup_secret=token_secret(settings),
            spans=tracing.span if tracing else no_spans,
        )
        await commerce.start()
        hub.seed = room_seed(commerce)
        hub.overloaded = lambda: media.load.sheds_chat
        hls = HlsRoad(media.roads)
        stack.callback(hls.close)
        blobs = _open_blobs(settings)
        recordings = RecordingRoad(hls, blobs, open_spool(settings.data_dir, worker))
        stack.push_async_callback(recordings.close)
        recorder = LiveRecorder(recordings, hub, commerce)

        def set_private(room_id: str, private: bool) -> None:
            media.set_private(room_id, private)
            if not private:
                hls.begin_public(room_id)

        lives = OwnedLives(
            commerce.lives,
            hub,
            leases := RedisLeases(redis),
            media.end,
            settings.publish_grace_s,
            yield_media=media.yield_to_other_worker,
            on_announced=recorder.on_announced,
            worker_id=worker.id,
            media_time=media.event_time,
            rehearses=commerce.rehearsals.runs,
            set_private=set_private,
        )
        media.rehearses = lambda room_id: room_id in commerce.catalogue.rehearsals
        media.listener = lives.on_media
        if tracing is not None:
            media.on_connected = tracing.connected
        cascade = await open_cascade(settings, worker, media, redis, leases.holder)
        if cascade is not None:
            stack.push_async_callback(cascade.close)
        limits = Limits(redis, enabled=settings.rate_limits, proxies=settings.trust_proxy)
        rtmp = await _open_rtmp(settings, worker, media, limits, commerce)
        if rtmp is not None:
            stack.push_async_callback(rtmp.close)
        access = Access(token_secret(settings), commerce.people.versions)
        commerce.people.versions.on_raised = access.revoked
        access.erased = commerce.households.erased
        flv = FlvRoad(hls)
        stack.callback(flv.close)
        reencode = ReencodeRoad(media.roads, hls, settings.transcode_streams)
        stack.push_async_callback(reencode.close)
        pushes = RestreamRoad(
            media.roads,
            hls,
            private=settings.restream_private,
            closed=lambda: commerce.catalogue.rehearsals,
        )
        stack.push_async_callback(pushes.close)
        sealer = Sealer(token_secret(settings), "restream")
        rehearsals = Rehearsals(
            lambda: commerce.catalogue.rehearsals,
            lambda room_id: commerce.catalogue.brand_id("room", room_id),
        )
        restreams = RoomRestreams(commerce.restreams, pushes, sealer)
        peers = Peers()
        stack.push_async_callback(peers.close)
        siblings = Siblings(worker, settings.data_dir, Signer(token_secret(settings)), peers)
        queries = QueryProcess(open_lake(settings))
        stack.callback(queries.close)
        kpi = KpiReader(queries)
        stack.callback(kpi.close)
        moderation = RecordModeration(commerce, hub, redis, token_secret(settings))
        services = Services(
            settings=settings,
            worker=worker,
            ask_siblings=siblings.ask,
            redis=redis,
            engine=engine,
            tracing=tracing,
            latency={name: Latency() for name in metrics.LATENCY},
            access=access,
            host_sessions=HostSessions(access, media.end_session),
            moves=MoveCodes(redis),
            rehearsals=rehearsals,
            limits=limits,
            connections=connection_table(settings),
            media=media,
            cascade=cascade,
            rtmp=rtmp,
            thumbnails=Thumbnails(media.roads),
            hls=hls,
            flv=flv,
            reencode=reencode,
            restreams=restreams,
            page_facts=FactSpool(redis),
            chat_facts=FactSpool(redis, CHATS),
            kpi=kpi,
            recordings=recordings,
            pictures=Pictures(blobs),
            drawings=Drawings(),
            clip_thumbnails=RecordingThumbnails(recordings),
            rooms=hub,
            commerce=commerce,
            moderation=moderation,
            prompters=RoomPrompters(hub, commerce),
            end_rehearsal=lives.end_rehearsal,
            end_live=lives.end,
            explain=recorder.explain,
            timeline=recorder.timeline,
        )
        topics = LiveTopics(FactSpool(redis, LIVES), lambda: commerce.catalogue, rehearsals.rooms)
        insight = insight_of(settings, commerce.shop, hub, redis, reachable_at, worker)
        audience = AudienceNotes(commerce.live_runs, lives.on_air, hub.viewers)
        cabinets = cabinet_subscriber(settings, commerce, worker)
        heart = Heart(services, partial(signal.raise_signal, signal.SIGTERM), node_url(settings))
        await stack.enter_async_context(
            _in_background(
                commerce,
                lives,
                hub,
                recorder,
                restreams,
                heart,
                {**insight, "topics": topics},
                cascade,
                audience,
                cabinets,
            )
        )
        websocket = room_protocol(services, _channel_exists(commerce), moderation, rehearsals)
        websocket.shared.on_line = topics.add
        yield Program(
            application(services, partial(PassOn.between, services, leases.holder, peers)),
            websocket,
            services,
            DirectHls(services),
        )


def connection_table(settings: Settings) -> ConnectionTable:
    """Return the table of all connections, as large as the files that may be open allow."""
    fit = connections_max(raise_file_limit())
    wanted = settings.connections_max or fit
    if wanted > fit:
        log.warning("fewer connections than wanted fit the limit of open files", fit=fit)

    def exempt(address: str) -> bool:
        # What comes through a Unix socket is from another worker and has no address.
        return address == NO_ADDRESS or settings.trust_proxy.trusts(address)

    return ConnectionTable(min(wanted, fit), settings.connections_per_address_max, exempt)


def _channel_exists(commerce: Commerce) -> Callable[[str], Awaitable[bool]]:
    async def exists(channel: str) -> bool:
        kind, _, name = channel.partition(":")
        catalogue = commerce.catalogue
        match kind:
            case "hq":
                return name in catalogue.brands
            case "store":
                return name in catalogue.stores
            case "estate":
                return name in catalogue.estates
        return name in catalogue.rooms

    return exists


@contextlib.asynccontextmanager
async def _in_background(
    commerce: Commerce,
    lives: OwnedLives,
    hub: RoomHub,
    recorder: LiveRecorder,
    restreams: RoomRestreams,
    heart: Heart,
    others: Mapping[str, Runs],
    cascade: Cascade | None,
    audience: AudienceNotes,
    cabinets: Runs | None,
) -> AsyncIterator[None]:
    """Run what works behind the requests; if it fails, so does the program."""

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(commerce.run(), name="commerce")
            tasks.create_task(lives.run(), name="lives")
            tasks.create_task(hub.wait(), name="rooms")
            tasks.create_task(recorder.run(), name="recordings")
            tasks.create_task(restreams.run(), name="restreams")
            tasks.create_task(heart.run(), name="heartbeat")
            tasks.create_task(audience.run(), name="audience")
            for name, each in others.items():
                tasks.create_task(each.run(), name=name)
            if cascade is not None:
                tasks.create_task(cascade.run(), name="cascade")
            if cabinets is not None:
                tasks.create_task(cabinets.run(), name="cabinets")

    task = asyncio.create_task(work(), name="background")
    task.add_done_callback(_died)
    try:
        yield
    finally:
        task.remove_done_callback(_died)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _died(task: asyncio.Task[None]) -> None:
    """The work behind the requests has ended by itself: a bug, and no reason to pretend."""
    if not task.cancelled() and (error := task.exception()):
        log.error("the background work failed, stopping", exc_info=error)
    signal.raise_signal(signal.SIGTERM)


async def _open_media(settings: Settings, worker: Worker) -> MediaPlane:
    try:
        return await MediaPlane.open(
            PlaneConfig(
                port=settings.ice_port and settings.ice_port + worker.number,
                addresses=settings.ice_addresses,
                grace_s=settings.publish_grace_s,
                session_prefix=worker.id,
                viewers_max=settings.viewers_max,
            )
        )
    except Unresolvable as error:
        raise OperatorError(
            f"LINLI_ICE_ADDRESSES: {error.name!r} is no address, nor a name that resolves here."
        ) from None
    except OSError as error:
        raise OperatorError(
            f"UDP port {settings.ice_port + worker.number} cannot be opened ({error.strerror}). "
            "Set LINLI_ICE_PORT to another one."
        ) from None


def _open_blobs(settings: Settings) -> BlobStore:
    url = settings.blob_url.get_secret_value()
    if not url:
        return FileBlobs(settings.data_dir / "blobs")
    from media.io.blobs.s3 import S3Blobs  # 15 MB that few need

    with opening("LINLI_BLOB_URL"):
        return S3Blobs(url)


async def _open_rtmp(
    settings: Settings, worker: Worker, media: MediaPlane, limits: Limits, commerce: Commerce
) -> RtmpListener | None:
    if settings.rtmp_port is None:
        return None

    async def authorize(address: str, key: str) -> str | None:
        try:
            await limits.take(LimitKind.PUBLISH, f"rtmp:{limit_key(address)}")
        except Problem:
            raise TooManyAttempts from None
        room_id = await commerce.stream_keys.room_of(key)
        if room_id is not None:
            await commerce.rehearsals.runs(room_id)  # before the media, this worker knows
        return room_id

    try:
        rtmp = await RtmpListener.open(
            media.roads, authorize, settings.host, settings.rtmp_port, shared=worker.count > 1
        )
    except OSError as error:
        raise OperatorError(
            f"TCP port {settings.rtmp_port} for RTMP cannot be opened ({error.strerror}). "
            "Set LINLI_RTMP_PORT to another one, or to nothing for no RTMP."
        ) from None
    stream_keys = commerce.stream_keys
    stream_keys.on_ended = lambda: rtmp.end_revoked(stream_keys.ended)
    return rtmp


async def _open_redis(settings: Settings, stack: contextlib.AsyncExitStack) -> tuple[Redis, str]:
    url = settings.redis_url
    if not url:
        valkey = EmbeddedValkey(settings.data_dir)
        with opening("LINLI_DATA_DIR"):
            await valkey.start()
        stack.push_async_callback(valkey.stop)
        url = valkey.url
    with opening("LINLI_REDIS_URL"):
        client = open_redis(url, connections_max=REDIS_CONNECTIONS_MAX, wait_s=REDIS_WAIT_S)
        stack.push_async_callback(client.aclose)
        async with asyncio.timeout(REDIS_WAIT_S):
            await client.ping()
    return client, url
