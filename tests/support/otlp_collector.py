"""An OpenTelemetry collector on loopback: takes spans by OTLP over HTTP, and keeps them."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """A step that a process has reported."""

    name: str
    worker: str
    trace_id: str
    span_id: str
    parent_id: str  # "": it is the root
    key: str  # of the order or session
    begins_ns: int
    ends_ns: int


@dataclass
class Collector:
    """What has arrived so far."""

    url: str
    spans: list[Span] = field(default_factory=list)

    def traces(self) -> dict[str, list[Span]]:
        """Return the spans by trace, each trace in the order of its times."""
        found: defaultdict[str, list[Span]] = defaultdict(list)
        for span in sorted(self.spans, key=lambda span: span.begins_ns):
            found[span.trace_id].append(span)
        return dict(found)

    def of(self, key: str) -> list[Span]:
        """Return the spans of an order or session."""
        return [span for span in self.spans if span.key == key]


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(batch: ExportTraceServiceRequest) -> list[Span]:
    found = []
    for resource in batch.resource_spans:
        named = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {each.key: each.value.string_value for each in span.attributes}
                found.append(
                    Span(
                        span.name, named["service.instance.id"], span.trace_id.hex(),
                        span.span_id.hex(), span.parent_span_id.hex(), attributes["linli.key"],
                        span.start_time_unix_nano, span.end_time_unix_nano,
                    )
                )  # fmt: skip
    return found
