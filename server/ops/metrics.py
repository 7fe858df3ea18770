"""Every figure at /metrics, in Prometheus' names; docs/metrics.md lists them, a test compares."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from commerce.io.metrics import Figures
from media.io.webrtc.stats import LiveStats
from server.services import Services
from server.worker import Worker

MEDIA: dict[str, tuple[str, str]] = {
    "rooms_live": ("gauge", "Rooms whose host sends now."),
    "sessions_publish": ("gauge", "WHIP sessions."),
    "sessions_play": ("gauge", "WHEP sessions."),
    "packets_in": ("counter", "RTP packets received from hosts."),
    "packets_out": ("counter", "RTP packets sent to viewers."),
    "octets_out": ("counter", "RTP payload bytes sent to viewers."),
    "packets_lost_in": ("counter", "RTP packets of hosts that were lost and not repaired."),
    "nacks_out": ("counter", "NACK messages sent to hosts."),
    "key_requests_out": ("counter", "PLIs sent to hosts."),
    "resent": ("counter", "Packets retransmitted to viewers."),
    "repeats_refused": (
        "counter",
        "Retransmits refused: over 15 % of a viewer's bitrate, or when busy.",
    ),
    "shown_again": ("counter", "PLIs of viewers that were answered from the cached GOP."),
    "layer_changes": ("counter", "Layer changes of viewers."),
    "skips": ("counter", "Pauses of viewers whose link was congested under the smallest layer."),
    "send_blocked": ("counter", "Sends that the kernel's full buffer refused."),
    "send_errors": ("counter", "Sends that failed otherwise."),
    "frames_dropped": ("counter", "Frames dropped because this worker was late."),
    "busy": ("gauge", "Part of a core that the sending thread uses; from 0.9 on no viewers."),
    "gso": ("gauge", "1 while the kernel takes whole frames (UDP_SEGMENT)."),
}
CASCADE: dict[str, tuple[str, str]] = {
    "edges": ("gauge", "Lives of other workers that this one has viewers of."),
    "subscriptions": ("gauge", "Workers that receive lives from this one, each live counted."),
    "depth": ("gauge", "Most hops from the worker with a live to this one."),
    "packets_out": ("counter", "RTP packets sent to other workers."),
    "packets_in": ("counter", "RTP packets received from other workers."),
    "nacks_out": ("counter", "NACK messages sent to other workers."),
    "nacks_in": ("counter", "NACK messages received from other workers."),
    "resent": ("counter", "Packets retransmitted to other workers."),
    "unsent": ("counter", "Datagrams to other workers that the kernel did not take."),
    "rejected": ("counter", "Datagrams of the port for other workers that were dropped."),
    "round_trip_ms": ("gauge", "The longest round trip to a worker from which a live is received."),
}
FLV: dict[str, tuple[str, str]] = {
    "viewers": ("gauge", "Viewers of HTTP-FLV."),
    "skips": ("counter", "Times that a slow viewer of HTTP-FLV went on with a later key frame."),
}
REENCODE: dict[str, tuple[str, str]] = {
    "streams": ("gauge", "Lives with B-frames that are re-encoded for WebRTC."),
    "restarts": ("counter", "Re-encoding processes that ended and were started again."),
}
RESTREAM: dict[str, tuple[str, str]] = {
    "pushes": ("gauge", "Lives that are pushed to another platform."),
    "restarts": ("counter", "Pushes that ended and were tried again."),
}
RTMP: dict[str, tuple[str, str]] = {
    "connections_open": ("gauge", "RTMP connections."),
    "publishers": ("gauge", "Encoders that publish by RTMP."),
    "bytes_in": ("counter", "Bytes received by RTMP."),
}
RTMP_ENDED = "RTMP connections that ended, by reason."
HLS: dict[str, tuple[str, str]] = {
    "streams": ("gauge", "Lives that are packaged for HLS now."),
    "octets_kept": ("gauge", "Bytes of the segments that HLS playlists list."),
}
RECORDING: dict[str, tuple[str, str]] = {
    "active": ("gauge", "Lives that are recorded now."),
    "octets": ("counter", "Bytes of media recorded."),
    "spool_octets": ("gauge", "Bytes of media that the blob store has not got yet."),
    "uploads_failed": ("counter", "Uploads that the blob store did not take, tried again."),
}
RECORDING_FAILURES = "Recordings that stopped before their live was over, by reason."
MEDIA_REJECTED = "Datagrams dropped, by reason."
ROOMS: dict[str, tuple[str, str]] = {
    "connections": ("gauge", "WebSocket connections."),
    "connected": ("counter", "Connections ever opened."),
    "frames": ("counter", "Broadcast messages written."),
    "bytes": ("counter", "Bytes of broadcasts, but for slow viewers."),
    "ticks": ("counter", "Ticks sent to channels."),
    "lossy_dropped": ("counter", "Chat lines left out, and ticks to slow viewers without chat."),
    "slow_thinned": ("counter", "Times a slow viewer lost the lossy lane."),
    "slow_snapshots": ("counter", "Times a slow viewer got a snapshot instead of the backlog."),
    "slow_closed": ("counter", "Slow viewers closed with 3008."),
    "recovered": ("counter", "Reconnects that got exactly what they missed."),
    "snapshots": ("counter", "Snapshots sent."),
    "log_readings": ("counter", "Times a channel's log was read."),
    "log_failures": ("counter", "Times the log could not be read or written."),
    "bus_restored": ("counter", "Times the bus came back."),
}
ROOMS_BY = {
    "malformed": ("kind", "Messages that were not as they must be."),
    "refused": ("reason", "Handshakes and joins refused."),
    "closed": ("code", "Connections closed by us, by close code."),
}
COMMERCE: dict[str, str] = {
    "gate_backlog_entries": "Taps that the gate admitted and the ledger has not settled.",
    "ledger_lag_seconds": "Age of the oldest entry that the ledger has not settled.",
    "holds": "Holds of units for orders that are not settled.",
    "dead_letters": "Entries that no ledger could post, the last 10,000.",
    "outbox_age_seconds": "Age of the oldest outbox row that was not delivered.",
    "refunds_waiting": "Refunds that the payment provider has not confirmed.",
    "gate_drift_units": "Units that this worker's last comparison of gate and record repaired.",
}
PAYMENT_WEBHOOKS = "Webhooks of the payment provider, by what they reported or why not taken."
COMMERCE_SCRAPE_ERRORS = "Scrapes without the figures of Redis or SQL, which could not be read."

LATENCY: dict[str, str] = {
    "orders": "Taps: from the request for an order to its answer, whatever that is.",
    "joins": "WHEP offers that this worker answered: from the request to the answer.",
}
LIVES: dict[str, str] = {
    "viewers": "WebRTC viewers of a live on this worker.",
    "bits_per_second": "Bitrate of all that a live's host sends.",
    "lost_in_ratio": "Packets of a live's host that were lost and not repaired, of those sent.",
    "viewers_lossy": "Viewers of a live who lose over 5 % of its video on the way.",
    "viewers_paused": "Viewers of a live whose link is congested under the smallest layer.",
}
LOSSY = 0.05
HTTP: dict[str, tuple[str, str]] = {
    "connections": ("gauge", "HTTP connections; WebSockets are counted by the rooms."),
    "connections_max": ("gauge", "HTTP and WebSocket connections that this worker takes."),
}
HTTP_REFUSED = "Requests refused and connections closed before any route saw them."
WORKERS = "Workers that this node is to have; each that answers has a sample."
_BLOCK = "# HELP "
ORDERS_OVER_QUOTA = "Orders refused since their address or device has had its share."


SHARED = frozenset(f"linli_commerce_{name}" for name in COMMERCE) - {
    "linli_commerce_gate_drift_units"
}
"""The installation's, the same in every worker."""


async def render(services: Services, *, shared: bool = True) -> str:
    """Return all figures of this worker in Prometheus text format.

    Where the node has several workers, what is a worker's own has its number as a label, so that
    merged figures stay distinct. Without `shared`: what is the installation's is left out.
    """
    commerce = services.commerce.metrics
    registry = CollectorRegistry()
    figures = _Figures(services, await commerce.read() if shared else commerce.own())
    process = ProcessCollector(namespace="linli", registry=None)
    registry.register(_OfWorker(services.worker, (figures, process)))
    return generate_latest(registry).decode()


def merge(texts: Sequence[str]) -> str:
    """Merge the figures of workers, each in Prometheus text format, into one such text.

    All samples of a metric stand together, under the description that comes first.
    """
    merged: dict[str, list[str]] = {}
    for text in texts:
        for block in text.split(_BLOCK)[1:]:
            name, lines = block.split(" ", 1)[0], block.splitlines()
            known = merged.setdefault(name, [_BLOCK + lines[0], *lines[1:2]])
            known += lines[2:]
    return "".join(line + "\n" for lines in merged.values() for line in lines)


class _OfWorker(Collector):
    """Labels samples with the worker's number, if it is one of several."""

    def __init__(self, worker: Worker, collectors: Sequence[Collector]) -> None:
        self._worker = worker
        self._collectors = collectors

    def collect(self) -> Iterable[Metric]:
        for metric in chain.from_iterable(each.collect() for each in self._collectors):
            if self._worker.count > 1 and metric.name not in SHARED:
                label = {"worker": str(self._worker.number)}
                metric.samples = [
                    sample._replace(labels={**sample.labels, **label}) for sample in metric.samples
                ]
            yield metric


class _Figures(Collector):
    def __init__(self, services: Services, commerce: Figures) -> None:
        self._services = services
        self._commerce = commerce

    def collect(self) -> Iterable[Metric]:
        yield _single("linli_workers", "gauge", WORKERS, float(self._services.worker.count))
        yield from self._media()
        yield from self._lives()
        yield from self._rooms()
        yield from self._http()
        yield from commerce_figures(self._commerce)

    def _media(self) -> Iterator[Metric]:
        stats = self._services.media.stats()
        for name, (kind, text) in MEDIA.items():
            yield _single(f"linli_media_{name}", kind, text, float(getattr(stats, name)))
        yield _labelled("linli_media_rejected", "reason", MEDIA_REJECTED, stats.rejected)
        if self._services.cascade is not None:
            cascade = self._services.cascade.stats()
            for name, (kind, text) in CASCADE.items():
                value = float(getattr(cascade, name))
                yield _single(f"linli_cascade_{name}", kind, text, value)
        hls = self._services.hls.stats()
        for name, (kind, text) in HLS.items():
            yield _single(f"linli_hls_{name}", kind, text, float(getattr(hls, name)))
        flv = self._services.flv.stats()
        for name, (kind, text) in FLV.items():
            yield _single(f"linli_flv_{name}", kind, text, float(getattr(flv, name)))
        recordings = self._services.recordings.stats()
        for name, (kind, text) in RECORDING.items():
            value = float(getattr(recordings, name))
            yield _single(f"linli_recording_{name}", kind, text, value)
        yield _labelled(
            "linli_recording_failures", "reason", RECORDING_FAILURES, recordings.failures
        )
        reencode = self._services.reencode.stats()
        for name, (kind, text) in REENCODE.items():
            yield _single(f"linli_reencode_{name}", kind, text, float(getattr(reencode, name)))
        restream = self._services.restreams.stats()
        for name, (kind, text) in RESTREAM.items():
            yield _single(f"linli_restream_{name}", kind, text, float(getattr(restream, name)))
        if self._services.rtmp is not None:
            rtmp = self._services.rtmp.stats()
            for name, (kind, text) in RTMP.items():
                yield _single(f"linli_rtmp_{name}", kind, text, float(getattr(rtmp, name)))
            yield _labelled("linli_rtmp_ended", "reason", RTMP_ENDED, rtmp.ended)

    def _lives(self) -> Iterator[Metric]:
        media = self._services.media
        families = {
            name: GaugeMetricFamily(f"linli_live_{name}", text, labels=["room"])
            for name, text in LIVES.items()
        }
        for live in media.roads.lives():
            stats = media.live_stats(live.room_id) if live.on_air else None
            if stats is None:
                continue
            for name, value in live_figures(stats).items():
                families[name].add_metric([live.room_id], value)
        yield from families.values()

    def _rooms(self) -> Iterator[Metric]:
        counts = dataclasses.asdict(self._services.rooms.counts)
        for name, (kind, text) in ROOMS.items():
            field = name if kind == "gauge" else f"{name}_total"
            yield _single(f"linli_rooms_{name}", kind, text, counts[field])
        for name, (label, text) in ROOMS_BY.items():
            yield _labelled(f"linli_rooms_{name}", label, text, counts[f"{name}_total"])

    def _http(self) -> Iterator[Metric]:
        table = self._services.connections
        values = {"connections": len(table), "connections_max": table.connections_max}
        for name, (kind, text) in HTTP.items():
            yield _single(f"linli_http_{name}", kind, text, values[name])
        yield _labelled("linli_http_refused", "reason", HTTP_REFUSED, table.refused)
        refused = self._services.limits.quota_refused
        yield _labelled("linli_orders_over_quota", "scope", ORDERS_OVER_QUOTA, refused)
        webhooks = self._services.commerce.intents.webhooks
        yield _labelled("linli_payment_webhooks", "outcome", PAYMENT_WEBHOOKS, webhooks)
        for name, text in LATENCY.items():
            latency = self._services.latency[name]
            yield HistogramMetricFamily(
                f"linli_{name}_seconds", text, latency.buckets(), latency.sum_s
            )


def live_figures(stats: LiveStats) -> dict[str, float]:
    """The figures of a live, by the names in `LIVES`."""
    sent = sum(stream.packets for stream in stats.streams)
    lost = sum(stream.packets_lost for stream in stats.streams)
    lossy = sum(viewer.lost.get("video", 0.0) > LOSSY for viewer in stats.viewers)
    return {
        "viewers": len(stats.viewers),
        "bits_per_second": sum(stream.bits_per_s for stream in stats.streams if stream.flows),
        "lost_in_ratio": lost / (sent + lost) if sent else 0.0,
        "viewers_lossy": lossy,
        "viewers_paused": sum(viewer.skips for viewer in stats.viewers),
    }


def commerce_figures(figures: Figures) -> Iterator[Metric]:
    """The figures of commerce; those that could not be read are left out."""
    gate, record = figures.gate, figures.record
    values: dict[str, float | None] = {
        "gate_backlog_entries": gate.backlog_entries if gate else None,
        "ledger_lag_seconds": gate.ledger_lag_s if gate else None,
        "holds": gate.holds if gate else None,
        "dead_letters": gate.dead_letters if gate else None,
        "outbox_age_seconds": record.outbox_age_s if record else None,
        "refunds_waiting": record.refunds_waiting if record else None,
        "gate_drift_units": figures.gate_drift_units,
    }
    for name, text in COMMERCE.items():
        value = values[name]
        if value is not None:
            yield _single(f"linli_commerce_{name}", "gauge", text, value)
    yield _labelled(
        "linli_commerce_scrape_errors", "source", COMMERCE_SCRAPE_ERRORS, figures.scrape_errors
    )


def _single(name: str, kind: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily if kind == "gauge" else CounterMetricFamily
    return family(name, text, value=value)


def _labelled(name: str, label: str, text: str, values: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
