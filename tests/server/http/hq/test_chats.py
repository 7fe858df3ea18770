"""A community's chat comes by webhook and as an export: orders and questions, each line once."""

from pathlib import Path

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from tests.support.head_office import HeadOffice

AT_MS = 1_790_000_000_000


async def test_orders_and_questions_of_a_chat_reach_the_lake_without_their_words(
    hq: HeadOffice, tmp_path: Path
) -> None:
    def batch(*texts: str, first: int = 1, estate: str = "e1") -> dict[str, object]:
        made = [
            {"number": number, "at_ms": AT_MS, "text": text}
            for number, text in enumerate(texts, first)
        ]
        return {"chat_id": "c1", "estate_id": estate, "lines": made}

    answer = await hq.ask("POST", "/api/hq/chats", batch("2份", "几点能取货？", "早上好"))
    assert answer.json() == {"taken": 2, "orders": 1, "questions": 1, "other": 1}
    again = await hq.ask("POST", "/api/hq/chats", batch("几点能取货？", "早", "+3", first=2))
    assert again.json()["taken"] == 1
    elsewhere = await hq.ask("POST", "/api/hq/chats", batch("2份", estate="nowhere"))
    assert elsewhere.status_code == 404
    file = "2026-11-27 20:01:03 晨光\n1份\n2026-11-27 20:02:00 云朵\n多少钱？\n".encode()
    headers = {"Authorization": f"Bearer {hq.token()}"}
    sent = await hq.client.post("/api/hq/chats/c2/export?estate=e1", content=file, headers=headers)
    assert sent.json() == {"taken": 2, "orders": 1, "questions": 1, "other": 0}
    broken = await hq.client.post(
        "/api/hq/chats/c2/export?estate=e1", content=b"\xff\xfe", headers=headers
    )
    assert broken.status_code == 422

    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    spool = hq.services.chat_facts
    writer.write(await spool.read(writer.position(spool.name), 100))
    events = "SELECT chat_id, kind, units, about, estate, person FROM chat_events ORDER BY sequence"
    assert lake.sql(events)[1] == [
        ("c1", "chat.ordered", 2, "", "e1", ""),
        ("c1", "chat.asked", 0, "time", "e1", ""),
        ("c1", "chat.ordered", 3, "", "e1", ""),
        ("c2", "chat.ordered", 1, "", "e1", ""),
        ("c2", "chat.asked", 0, "price", "e1", ""),
    ]
    assert lake.sql("SELECT COUNT(*) FROM facts WHERE payload LIKE '%晨光%'")[1] == [(0,)]
