"""/metrics: names and values of commerce's figures, and what is left out."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from commerce.io.metrics import Figures, GateFigures, RecordFigures
from server.ops.metrics import COMMERCE, commerce_figures, merge


def lines(figures: Figures) -> list[str]:
    """The exposition of figures, without comments."""

    class Only(Collector):
        def collect(self) -> Iterable[Metric]:
            return commerce_figures(figures)

    registry = CollectorRegistry()
    registry.register(Only())
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_every_commerce_metric_has_its_value() -> None:
    figures = Figures(GateFigures(3, 1.5, 4, 1), RecordFigures(2.5, 6), 9, {"redis": 0, "sql": 2})
    assert sorted(lines(figures)) == [
        "linli_commerce_dead_letters 1.0",
        "linli_commerce_gate_backlog_entries 3.0",
        "linli_commerce_gate_drift_units 9.0",
        "linli_commerce_holds 4.0",
        "linli_commerce_ledger_lag_seconds 1.5",
        "linli_commerce_outbox_age_seconds 2.5",
        "linli_commerce_refunds_waiting 6.0",
        'linli_commerce_scrape_errors_total{source="redis"} 0.0',
        'linli_commerce_scrape_errors_total{source="sql"} 2.0',
    ]
    assert len(lines(figures)) == len(COMMERCE) + 2


def test_unreadable_metric_is_absent() -> None:
    assert lines(Figures(None, None, None, {"redis": 1, "sql": 1})) == [
        'linli_commerce_scrape_errors_total{source="redis"} 1.0',
        'linli_commerce_scrape_errors_total{source="sql"} 1.0',
    ]


def text(*samples: str, name: str = "linli_sent_total", kind: str = "counter") -> str:
    """One metric of one worker."""
    return "".join(
        f"{line}\n" for line in (f"# HELP {name} What it is.", f"# TYPE {name} {kind}", *samples)
    )


def test_samples_of_a_metric_stand_together_under_one_description() -> None:
    first, second = 'linli_sent_total{worker="0"} 1.0', 'linli_sent_total{worker="1"} 2.0'
    busy = text("linli_busy 0.5", name="linli_busy", kind="gauge")
    assert merge([text(first) + busy, text(second)]) == text(first, second) + busy


def test_metric_that_one_worker_alone_has_is_kept() -> None:
    only = text('linli_ended_total{worker="1",reason="kicked"} 3.0', name="linli_ended_total")
    assert merge([text(), only]) == text() + only
    assert merge([only]) == only


def test_merged_figures_are_what_prometheus_reads() -> None:
    figures = Figures(GateFigures(3, 1.5, 4, 1), None, 9, {"redis": 0, "sql": 2})
    registry = CollectorRegistry()

    class Only(Collector):
        def collect(self) -> Iterable[Metric]:
            return commerce_figures(figures)

    registry.register(Only())
    exposed = generate_latest(registry).decode()
    assert merge([exposed]) == exposed
    samples = [
        sample.name
        for family in text_string_to_metric_families(merge([exposed, text()]))
        for sample in family.samples
    ]
    assert len(samples) == len(set(samples)) + 1, "the errors of two sources"
