"""Traces of orders and joins over all processes, by OTLP to the collector at LINLI_OTLP_URL.

Trace and root span are the hash of what a trace is about, an order or a session: each process adds
its own spans to the same trace, and nothing travels between them. Off, nothing is loaded and a step
costs one call.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from server.errors import OperatorError
from server.settings import Settings
from server.worker import Worker

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

ROOTS = frozenset({"order.tap", "join.answer"})
"""The first step of a trace; all others are its children."""
CLOSE_WAIT_MS = 2_000

Ids: TypeAlias = tuple[int, int]
_NEXT: ContextVar[Ids | None] = ContextVar("next ids", default=None)


def ids_of(key: str) -> Ids:
    """Return trace id (128 bits) and root span id (64 bits) of an order or session."""
    digest = hashlib.blake2b(key.encode(), digest_size=24, person=b"linli.trace").digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:]) or 1


class Tracing:
    """Gives finished spans to an exporter, in the SDK's own thread and batches."""

    def __init__(self, exporter: "SpanExporter", worker_id: str, share: float) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

        class NextIds(IdGenerator):
            """The ids that a root span is to have; random ones for the rest."""

            _random = RandomIdGenerator()

            def generate_trace_id(self) -> int:
                ids = _NEXT.get()
                return ids[0] if ids else self._random.generate_trace_id()

            def generate_span_id(self) -> int:
                ids = _NEXT.get()
                return ids[1] if ids else self._random.generate_span_id()

        self._api: Any = trace
        self._provider = TracerProvider(
            # By the trace's id: every process decides alike.
            sampler=TraceIdRatioBased(share),
            resource=Resource.create({"service.name": "linli", "service.instance.id": worker_id}),
            id_generator=NextIds(),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("linli")

    @contextlib.contextmanager
    def span(self, name: str, keys: Sequence[str]) -> Iterator[None]:
        """Record a step of each order or session in `keys`; see `commerce.spans`."""
        begins_ns, error = time.time_ns(), ""
        try:
            yield
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            ends_ns = time.time_ns()
            for key in keys:
                self.record(name, key, begins_ns, ends_ns, error)

    def record(self, name: str, key: str, begins_ns: int, ends_ns: int, error: str = "") -> None:
        """Record a step that is over. Times are ns since 1970."""
        trace_id, root_id = ids_of(key)
        if name in ROOTS:
            restore = _NEXT.set((trace_id, root_id))
            try:
                context = self._api.set_span_in_context(self._api.INVALID_SPAN)
                span = self._tracer.start_span(name, context, start_time=begins_ns)
            finally:
                _NEXT.reset(restore)
        else:
            sampled = self._api.TraceFlags(self._api.TraceFlags.SAMPLED)
            parent = self._api.SpanContext(trace_id, root_id, is_remote=True, trace_flags=sampled)
            context = self._api.set_span_in_context(self._api.NonRecordingSpan(parent))
            span = self._tracer.start_span(name, context, start_time=begins_ns)
        span.set_attribute("linli.key", key)
        if error:
            span.set_attribute("error.type", error)
            span.set_status(self._api.StatusCode.ERROR)
        span.end(ends_ns)

    def connected(self, session_id: str, took_s: float) -> None:
        """The first packets and the handshake of a session took so long."""
        ends_ns = time.time_ns()
        self.record("join.connect", session_id, ends_ns - round(took_s * 1e9), ends_ns)

    def passed_on(self, location: str, begins_ns: int) -> None:
        """Another worker has answered a join with the `Location` of its session."""
        if location:
            key = location.rpartition("/")[2]
            self.record("join.pass_on", key, begins_ns, time.time_ns())

    def close(self) -> None:
        """Send what waits, for at most `CLOSE_WAIT_MS`."""
        self._provider.force_flush(CLOSE_WAIT_MS)
        self._provider.shutdown()


def open_tracing(settings: Settings, worker: Worker) -> Tracing | None:
    """Return what records traces, or None where no collector is set.

    Raises:
        OperatorError: The packages of the extra `otlp` are not installed.
    """
    url = settings.otlp_url
    if not url:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        message = "LINLI_OTLP_URL is set, but its packages are missing: pip install 'linli[otlp]'"
        raise OperatorError(message) from None
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=5)
    return Tracing(exporter, worker.id, settings.traces_share)
