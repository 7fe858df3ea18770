"""Who is let in and who gives way when all places are taken."""

import structlog

from server.net.connections import ConnectionTable, RefusalReason


class Connection:
    """A connection that notes what the table does to it."""

    def __init__(self, address: str = "1.2.3.4") -> None:
        self.address = address
        self.gone = False

    def give_way(self) -> None:
        self.gone = True

    def check(self, now: float) -> None:
        raise NotImplementedError


def fill(table: ConnectionTable, *connections: Connection) -> list[RefusalReason | None]:
    return [table.arrive(each, len(table) + 1, now=0.0) for each in connections]


def test_the_connection_that_has_waited_longest_gives_way() -> None:
    table = ConnectionTable(connections_max=3, per_address_max=9)
    first, second, third, fourth = (Connection() for _ in range(4))
    assert fill(table, first, second, third) == [None] * 3
    table.works(first)
    table.waits(second)
    assert fill(table, fourth) == [None]
    assert [first.gone, second.gone, third.gone] == [False, False, True]
    assert (len(table), table.refused[RefusalReason.GAVE_WAY]) == (3, 1)


def test_an_address_at_its_limit_pushes_out_its_own_connections_only() -> None:
    table = ConnectionTable(connections_max=9, per_address_max=2)
    others, own, newer, newest = Connection("5.6.7.8"), Connection(), Connection(), Connection()
    assert fill(table, others, own, newer, newest) == [None] * 4
    assert [others.gone, own.gone, newer.gone] == [False, True, False]


def test_a_proxy_of_ours_has_no_limit_of_its_own() -> None:
    table = ConnectionTable(9, 1, exempt=lambda address: address == "10.0.0.1")
    assert fill(table, *(Connection("10.0.0.1") for _ in range(5))) == [None] * 5


def test_a_full_server_refuses_and_logs_once_a_minute() -> None:
    table = ConnectionTable(connections_max=2, per_address_max=9)
    busy = [Connection() for _ in range(2)]
    fill(table, *busy)
    for connection in busy:
        table.works(connection)
    with structlog.testing.capture_logs() as logs:
        for at in (0.0, 1.0, 59.0, 61.0):
            refused = Connection()
            assert table.arrive(refused, len(table) + 1, now=at) is RefusalReason.FULL
            table.depart(refused)
    assert [line["count"] for line in logs] == [1, 3]
    assert not any(connection.gone for connection in busy)


def test_departing_twice_counts_once() -> None:
    table = ConnectionTable(connections_max=9, per_address_max=9)
    connection = Connection()
    fill(table, connection)
    table.depart(connection)
    table.depart(connection)
    table.waits(connection)
    assert len(table) == 0
