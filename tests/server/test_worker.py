"""Ids of workers, and what a worker inherits from its supervisor."""

import socket
from pathlib import Path

from server.worker import (
    INSIGHT_NUMBER,
    SOCKET_PATH_BYTES_MAX,
    WORKER_ID,
    Worker,
    inherited,
    socket_path,
)

WORKER = Worker("0a1b2c", 2, 4, 5, 6)


def test_worker_id_is_its_node_and_its_number() -> None:
    assert WORKER.id == "0a1b2c02"
    assert WORKER_ID.fullmatch(WORKER.id)
    assert WORKER_ID.fullmatch(Worker().id)


def test_nodes_that_start_have_ids_of_their_own() -> None:
    assert len({Worker().node_id for _ in range(50)}) > 45


def test_siblings_are_the_other_workers_of_the_node() -> None:
    ids = [f"0a1b2c{number:02x}" for number in range(6)]
    assert [WORKER.sibling(worker_id) for worker_id in ids] == [0, 1, None, 3, None, None]
    for other in ("0a1b2d00", "0a1b2c", "0a1b2c000", "0A1B2C00", "", "0a1b2c0é"):
        assert WORKER.sibling(other) is None


def test_child_inherits_what_the_supervisor_gives_it() -> None:
    assert inherited(WORKER.environment()) == WORKER
    beats_only = Worker("0a1b2c", INSIGHT_NUMBER, 1, None, 6)
    assert inherited(beats_only.environment()) == beats_only


def test_program_without_a_supervisor_is_the_only_worker() -> None:
    worker = inherited({})
    assert (worker.number, worker.count, worker.listener_fd, worker.beat_fd) == (0, 1, None, None)


def test_socket_of_a_deep_data_folder_has_a_path_that_the_kernel_takes(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 40)
    deep.mkdir()
    paths = [socket_path(folder, number) for folder in (tmp_path, deep) for number in (0, 1)]
    assert len(set(paths)) == 4
    for path in paths:
        assert len(str(path)) <= SOCKET_PATH_BYTES_MAX
        path.parent.mkdir(exist_ok=True)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
        path.unlink()
