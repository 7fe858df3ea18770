"""The sizing rule, and that its figures are those of docs/performance.md."""

import re
from pathlib import Path

import pytest

from server.ops import figures
from server.ops.capacity import EDGES_MAX, Demand, plan, viewers_per_core
from server.ops.figures import FIGURES, Figure

PERFORMANCE = (Path(__file__).parents[3] / "docs" / "performance.md").read_text()
EVENING = Demand(viewers=100_000, lives=300, bitrate_bps=1.4e6)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.what)
def test_figures_are_those_of_the_performance_document(figure: Figure) -> None:
    assert figure.quote in PERFORMANCE
    numbers = re.findall(r"\d[\d,]*(?:\.\d+)?", figure.quote)
    assert figure.value in [float(number.replace(",", "")) for number in numbers]


def test_packet_cost_and_packet_rate_give_the_measured_viewers_per_core() -> None:
    assert viewers_per_core(1.4e6) == pytest.approx(figures.VIEWERS_PER_CORE.value, rel=0.02)


def test_each_node_stays_within_its_cores_and_its_link() -> None:
    found = plan(EVENING)
    assert found.problems == ()
    assert found.node.workers < found.node.cores
    assert found.node.out_bps <= 0.6 * EVENING.link_bps
    assert found.node.viewers * (found.nodes - 1) >= EVENING.viewers
    assert found.workers == found.node.workers * found.nodes


def test_a_slow_link_takes_more_nodes_and_is_named() -> None:
    fast, slow = (
        plan(Demand(viewers=100_000, lives=300, bitrate_bps=1.4e6, link_bps=bps))
        for bps in (100e9, 1e9)
    )
    assert fast.bound_by == "CPU"
    assert slow.bound_by == "network"
    assert slow.nodes > fast.nodes


def test_more_of_anything_never_takes_fewer_nodes() -> None:
    for more in (
        Demand(viewers=200_000, lives=300, bitrate_bps=1.4e6),
        Demand(viewers=100_000, lives=3_000, bitrate_bps=1.4e6),
        Demand(viewers=100_000, lives=300, bitrate_bps=2.8e6),
        Demand(viewers=100_000, lives=300, bitrate_bps=1.4e6, orders_per_s=10_000),
        Demand(viewers=100_000, lives=300, bitrate_bps=1.4e6, arrival_s=10),
    ):
        assert plan(more).nodes >= plan(EVENING).nodes


def test_a_live_larger_than_a_worker_takes_several_which_cost_more_than_its_viewers() -> None:
    limit = plan(EVENING).viewers_per_live_max
    one = plan(Demand(viewers=limit, lives=1, bitrate_bps=1.4e6, cores=2))
    four = plan(Demand(viewers=4 * limit, lives=1, bitrate_bps=1.4e6, cores=2))
    assert one.problems == four.problems == ()
    assert four.workers - one.workers >= 3
    assert four.out_bps == 4 * one.out_bps


def test_a_live_with_more_edges_than_the_tree_has_room_for_is_a_problem() -> None:
    limit = plan(EVENING).viewers_per_live_max
    most = limit * (EDGES_MAX + 1)
    assert plan(Demand(viewers=most, lives=1, bitrate_bps=1.4e6)).problems == ()
    [problem] = plan(Demand(viewers=most + 1, lives=1, bitrate_bps=1.4e6)).problems
    assert f"{EDGES_MAX:,}" in problem


def test_ports_of_workers_do_not_overlap() -> None:
    node = plan(EVENING).node
    for first, last in (node.http_ports, node.ice_ports, node.hop_ports, node.rtmp_ports):
        assert last - first + 1 == node.workers


def test_every_measured_figure_is_among_the_assumptions() -> None:
    text = "\n".join(plan(EVENING).assumptions)
    assert [figure.what for figure in FIGURES if figure.what not in text] == []
