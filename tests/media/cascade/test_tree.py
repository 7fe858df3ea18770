"""Edges fill a tree level by level, and nobody receives a live from itself."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from media.cascade.tree import DEPTH_MAX, Capacity, Child, Name, Serve, must_leave, place
from tests.support.fuzz_examples import examples

ORIGIN = "o"


class Tree:
    """All workers of a live, each of which knows its path and its own edges."""

    def __init__(self, fanout: int) -> None:
        self.fanout = fanout
        self.parents: dict[str, str] = {}
        self.full: set[str] = set()

    def path(self, worker: str) -> tuple[str, ...]:
        path = [worker]
        while path[0] != ORIGIN:
            if path[0] not in self.parents:
                return ()
            path.insert(0, self.parents[path[0]])
            assert len(path) <= len(self.parents) + 1, "a cycle"
        return tuple(path)

    def children(self, worker: str) -> list[Child]:
        own = [edge for edge, parent in self.parents.items() if parent == worker]
        return [Child(edge, self.below(edge), 0, edge not in self.full) for edge in own]

    def below(self, worker: str) -> int:
        return sum(1 + child.below for child in self.children(worker))

    def join(self, edge: str, avoids: tuple[str, ...] = ()) -> int:
        """Find a parent; return how many workers were asked."""
        asked, at = 0, ORIGIN
        while True:
            asked += 1
            capacity = Capacity(accepts=at not in self.full)
            found = place(
                edge, self.children(at), self.path(at), capacity, fanout=self.fanout, avoids=avoids
            )
            if found == Serve():
                self.parents[edge] = at
                return asked
            assert isinstance(found, Name)
            if not found.worker:
                avoids = (*avoids, at)
            at = found.worker or ORIGIN

    def leave(self, edge: str) -> None:
        """An edge dies: those below look for another parent."""
        del self.parents[edge]
        orphans = [each for each, parent in self.parents.items() if parent == edge]
        for orphan in orphans:
            del self.parents[orphan]
        for orphan in orphans:
            self.join(orphan, avoids=(edge,))


def test_origin_serves_as_many_edges_as_it_may_and_then_names_the_one_with_fewest_below() -> None:
    tree = Tree(fanout=3)
    for number in range(12):
        tree.join(f"e{number}")
    assert [tree.parents[f"e{number}"] for number in range(3)] == [ORIGIN] * 3
    assert {tree.below(f"e{number}") for number in range(3)} == {3}


def test_of_edges_with_as_many_below_the_least_busy_one_that_accepts_is_named() -> None:
    children = [Child("a", 1, 10, False), Child("b", 1, 50, True), Child("c", 1, 20, True),
                Child("d", 2, 0, True)]  # fmt: skip
    assert place("x", children, (ORIGIN,), Capacity(), fanout=4) == Name("c")
    assert place("x", children, (ORIGIN,), Capacity(), fanout=4, avoids=["c"]) == Name("b")
    assert place("c", children, (ORIGIN,), Capacity(), fanout=4) == Serve(), "it has its place"


def test_origin_serves_an_edge_that_no_other_worker_can() -> None:
    children = [Child("a", 0, 0, False)]
    assert place("x", children, (ORIGIN,), Capacity(), fanout=1) == Serve()
    busy = Capacity(accepts=False)
    assert place("x", (), (ORIGIN,), busy, fanout=1) == Serve()
    assert place("x", (), (ORIGIN, "a"), busy, fanout=1) == Name("")


def test_worker_that_drains_or_is_cut_off_or_lies_below_the_edge_serves_none() -> None:
    assert place("x", (), (ORIGIN, "a"), Capacity(), fanout=8) == Serve()
    assert place("x", (), (ORIGIN, "a"), Capacity(drains=True), fanout=8) == Name("")
    assert place("x", (), (), Capacity(), fanout=8) == Name("")
    assert place("x", (), (ORIGIN, "x", "a"), Capacity(), fanout=8) == Name("")


def test_edge_leaves_a_parent_that_receives_from_it_or_is_too_deep() -> None:
    assert must_leave("x", (ORIGIN, "x", "a"))
    assert not must_leave("x", tuple("o123"[:DEPTH_MAX]))
    assert must_leave("x", tuple("o1234"[: DEPTH_MAX + 1]))


@examples(60)
@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.sampled_from(["join", "leave", "full"]), st.integers(0, 20)), max_size=50
    ),
)
def test_whoever_comes_goes_or_fills_each_edge_has_a_way_from_the_origin(
    fanout: int, course: list[tuple[str, int]]
) -> None:
    tree = Tree(fanout)
    for what, number in course:
        edge = f"e{number}"
        if what == "join" and edge not in tree.parents:
            assert tree.join(edge) <= 2 * (DEPTH_MAX + len(tree.parents) + 1)
        elif what == "leave" and edge in tree.parents:
            tree.leave(edge)
        elif what == "full":
            tree.full ^= {edge}
        served: defaultdict[str, int] = defaultdict(int)
        for each, parent in tree.parents.items():
            served[parent] += 1
            assert tree.path(each)[0] == ORIGIN
            assert parent == ORIGIN or served[parent] <= fanout
