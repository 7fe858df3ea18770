"""Steps of one order meet in one trace whichever process took them, and reach a collector."""

import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.errors import OperatorError
from server.settings import Settings
from server.tracing import Tracing, ids_of, open_tracing
from server.worker import Worker
from tests.support.otlp_collector import collecting

pytestmark = pytest.mark.fast


def recorded(tracing: Tracing, exporter: InMemorySpanExporter) -> tuple[ReadableSpan, ...]:
    """All spans so far; nothing can be recorded afterwards."""
    tracing.close()
    return exporter.get_finished_spans()


def test_steps_of_two_workers_are_children_of_the_tap() -> None:
    exporters = InMemorySpanExporter(), InMemorySpanExporter()
    buyers, ledgers = (Tracing(exporters[n], f"w{n}", 1.0) for n in (0, 1))
    with buyers.span("order.tap", ("o1",)):
        pass
    with ledgers.span("order.commit", ("o1", "o2")):
        pass
    [tap] = recorded(buyers, exporters[0])
    of_first, of_second = recorded(ledgers, exporters[1])
    assert tap.context and of_first.context and of_first.parent and of_second.parent
    assert (tap.context.trace_id, tap.context.span_id) == ids_of("o1")
    assert tap.parent is None
    assert of_first.parent.span_id == tap.context.span_id
    assert of_first.context.trace_id == tap.context.trace_id
    assert of_second.parent.trace_id == ids_of("o2")[0]
    assert tap.resource.attributes["service.instance.id"] == "w0"


def test_a_step_that_raises_is_an_error_of_its_name() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter, "w0", 1.0)
    with pytest.raises(KeyError), tracing.span("order.admit", ("o1",)):
        raise KeyError("product")
    [step] = recorded(tracing, exporter)
    assert step.attributes and step.attributes["error.type"] == "KeyError"
    assert not step.status.is_ok


def test_a_share_takes_whole_traces() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter, "w0", 0.5)
    keys = [f"o{n}" for n in range(200)]
    for name in ("order.tap", "order.commit"):
        with tracing.span(name, keys):
            pass
    names: dict[str, set[str]] = {}
    for step in recorded(tracing, exporter):
        assert step.attributes
        names.setdefault(str(step.attributes["linli.key"]), set()).add(step.name)
    assert 50 < len(names) < 150
    assert all(found == {"order.tap", "order.commit"} for found in names.values())


def test_times_of_a_join_are_those_given() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter, "w0", 1.0)
    tracing.connected("s1", 0.25)
    tracing.passed_on("/live/demo/whep/s1", begins_ns=0)
    connect, pass_on = recorded(tracing, exporter)
    assert connect.start_time and connect.end_time
    assert connect.end_time - connect.start_time == 250_000_000
    assert connect.context and pass_on.context
    assert connect.context.trace_id == pass_on.context.trace_id


def test_what_waits_is_sent_to_the_collector_at_the_end() -> None:
    with collecting() as collector:
        tracing = open_tracing(Settings(otlp_url=collector.url), Worker())
        assert tracing
        with tracing.span("order.tap", ("o1",)):
            pass
        tracing.close()
    assert [(span.name, span.key) for span in collector.spans] == [("order.tap", "o1")]


def test_without_a_collector_nothing_is_traced() -> None:
    assert open_tracing(Settings(), Worker()) is None


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(OperatorError, match=r"linli\[otlp\]"):
        open_tracing(Settings(otlp_url="http://127.0.0.1:9"), Worker())
