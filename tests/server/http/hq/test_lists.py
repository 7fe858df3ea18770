"""Lists are searched, sorted and paged by the server."""

import pytest

from tests.support.head_office import HeadOffice


async def test_list_is_searched_sorted_and_paged(hq: HeadOffice) -> None:
    everything = await hq.read("/api/hq/stores")
    assert [row["id"] for row in everything["rows"]] == ["s1", "s2"]
    backwards = await hq.read("/api/hq/stores?sort=-name")
    assert [row["name"]["en"] for row in backwards["rows"]] == ["two", "one"]
    second = await hq.read("/api/hq/stores?per_page=1&page=2")
    assert ([row["id"] for row in second["rows"]], second["total"]) == (["s2"], 2)
    found = await hq.read("/api/hq/stores?q=STREET%201")
    assert ([row["id"] for row in found["rows"]], found["total"]) == (["s1"], 1)


async def test_search_takes_wildcards_of_sql_as_they_are(hq: HeadOffice) -> None:
    for words in ("%25", "_", "%5C"):
        assert (await hq.read(f"/api/hq/stores?q={words}"))["total"] == 0


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("per_page=201", "per_page"),
        ("sort=password_hash", "sort"),
        ("q=" + "x" * 101, "q"),
    ],
)
async def test_list_refuses_a_query_that_it_does_not_have(
    hq: HeadOffice, query: str, member: str
) -> None:
    answer = await hq.ask("GET", f"/api/hq/stores?{query}")
    assert (answer.status_code, answer.json()["member"]) == (422, member)
