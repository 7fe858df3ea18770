"""Which worker takes a new live."""

import itertools
import random
from dataclasses import replace

import pytest

from server.ops.heartbeat import Beat
from server.workers.placement import FREER_BY_CPU, FREER_BY_CPU_ELSEWHERE, place, place_viewer

HERE, SIBLING, OTHER_NODE = "0a1b2c00", "0a1b2c01", "d0d0d000"


def row(worker: str, cpu: float, *, full: bool = False, draining: bool = False) -> Beat:
    return Beat("n", worker, "1", 7, 8_080, 61, cpu, 3.0, 0, 0, {}, draining, "http://n", full)


def test_live_stays_where_its_host_came_while_all_do_about_the_same() -> None:
    for cpus in itertools.permutations((0.1, 0.2, 0.3)):
        beats = [row(*pair) for pair in zip((HERE, SIBLING, OTHER_NODE), cpus, strict=True)]
        assert place(HERE, beats, accepts=True) == HERE


def test_live_goes_to_the_freest_worker_that_is_clearly_freer() -> None:
    beats = [row(HERE, 0.8), row(SIBLING, 0.8 - FREER_BY_CPU), row("0a1b2c02", 0.7)]
    assert place(HERE, beats, accepts=True) == SIBLING


def test_another_node_takes_a_live_only_when_it_is_freer_by_more() -> None:
    near, far = row(HERE, 0.8), 0.8 - FREER_BY_CPU_ELSEWHERE
    assert place(HERE, [near, row(OTHER_NODE, far + 0.01)], accepts=True) == HERE
    assert place(HERE, [near, row(OTHER_NODE, far - 0.01)], accepts=True) == OTHER_NODE
    beats = [near, row(OTHER_NODE, 0.2), row(SIBLING, 0.3)]
    assert place(HERE, beats, accepts=True) == SIBLING


def test_worker_that_is_full_or_drains_gives_a_live_to_the_freest_that_is_not() -> None:
    beats = [
        row(HERE, 0.1),
        row(SIBLING, 0.0, full=True),
        row("0a1b2c02", 0.0, draining=True),
        row("0a1b2c03", 0.6),
    ]
    assert place(HERE, beats, accepts=False) == "0a1b2c03"


@pytest.mark.parametrize("accepts", [False, True])
def test_live_stays_where_its_host_came_when_nobody_else_takes_it(accepts: bool) -> None:
    full = [row(SIBLING, 0.0, full=True), row(OTHER_NODE, 0.0, draining=True)]
    for beats in ([], [row(HERE, 0.95)], [row(HERE, 0.95, full=True), *full]):
        assert place(HERE, beats, accepts=accepts) == HERE


def test_worker_without_a_row_keeps_what_it_gets() -> None:
    assert place(HERE, [row(SIBLING, 0.0)], accepts=True) == HERE


def test_choice_does_not_depend_on_the_order_of_rows() -> None:
    beats = [row(HERE, 0.9), row(SIBLING, 0.1), row("0a1b2c02", 0.1), row(OTHER_NODE, 0.0)]
    drawn = random.Random(1)
    chosen = {place(HERE, drawn.sample(beats, len(beats)), accepts=True) for _ in range(20)}
    assert chosen == {SIBLING}


def test_hosts_who_all_come_to_one_worker_are_spread_as_its_row_shows_their_load() -> None:
    cpus = dict.fromkeys((HERE, SIBLING, "0a1b2c02"), 0.0)
    for _ in range(30):  # a host a row: each live costs a tenth of a core
        beats = [row(worker, cpu) for worker, cpu in cpus.items()]
        cpus[place(HERE, beats, accepts=True)] += 0.1
    assert max(cpus.values()) - min(cpus.values()) <= FREER_BY_CPU + 0.1 + 1e-9


def test_viewer_of_a_full_worker_goes_to_one_that_receives_the_live_already() -> None:
    beats = [row(HERE, 0.9, full=True), row(SIBLING, 0.2), row("0a1b2c02", 0.1)]
    assert place_viewer(HERE, "demo", beats) == "0a1b2c02"
    receiving = replace(row(OTHER_NODE, 0.5), lives={"demo": 3})
    assert place_viewer(HERE, "demo", [*beats, receiving]) == OTHER_NODE
    full = [replace(receiving, full=True), replace(receiving, worker=SIBLING, draining=True)]
    assert place_viewer(HERE, "demo", [beats[0], *full]) == HERE
