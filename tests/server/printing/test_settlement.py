"""Settlements as PDFs: the same bytes each time, all entries, both languages."""

import pypdfium2
import pytest

from commerce.money.settlements import SettledEntry, settle
from server.printing.packing_words import Language
from server.printing.settlement import settlement_pdf

AT_MS = 1_795_950_000_000
ENTRIES = [
    entry
    for n in range(15)
    for entry in (
        SettledEntry(AT_MS + n, f"1129-{n:04}", "earn", "sales:s1", "", 1_980),
        SettledEntry(AT_MS + n, f"1129-{n:04}", "tax", "sales:s1", "", -163),
        SettledEntry(AT_MS + n, f"1129-{n:04}", "tax", "tax:s1", "", 163),
    )
]
[STORE] = settle(ENTRIES)
PARTIES = settle(
    [
        *ENTRIES,
        SettledEntry(AT_MS, "1129-0001", "commission", "leader:l1", "", 79),
        SettledEntry(AT_MS + 9, "1129-0001", "clawback", "leader:l1", "c1", -40),
        SettledEntry(AT_MS, "", "goods", "supplier:farm", "lorry", 3_000),
    ]
)


@pytest.mark.parametrize(("language", "title"), [("zh", "结算单 · 门店 春江店"), ("en", "Store")])
def test_a_settlement_lists_every_entry_over_its_pages_and_the_same_bytes_again(
    language: Language, title: str
) -> None:
    pdf = settlement_pdf(STORE, "2026-11-29", "春江店", language, "")
    assert pdf == settlement_pdf(STORE, "2026-11-29", "春江店", language, "")
    document = pypdfium2.PdfDocument(pdf)
    texts = [page.get_textpage().get_text_range() for page in document]
    words = " ".join(texts)
    assert title in texts[0] and "297.00" in texts[0] and STORE.sha256[:20] in texts[-1]
    assert all(f"1129-{n:04}" in words for n in range(15))
    # Rendered, every page has ink, and none beyond its margins.
    for page in document:
        shown = page.render(scale=1).to_pil().convert("L")
        left, top, right, bottom = shown.point(lambda v: 255 * (v < 128)).getbbox()
        assert left > 30 and top > 30 and right < shown.width - 30 and bottom < shown.height - 15


def test_leaders_and_suppliers_have_files_of_their_own_with_what_they_are_owed() -> None:
    titles = {"store": "门店", "leader": "团长", "supplier": "供应商"}
    owed = {"leader:l1": "0.39", "store:s1": "297.00", "supplier:farm": "30.00"}
    assert [one.party for one in PARTIES] == sorted(owed)
    for one in PARTIES:
        role, _, name = one.party.partition(":")
        pdf = settlement_pdf(one, "2026-11-29", name, "zh", "")
        assert pdf == settlement_pdf(one, "2026-11-29", name, "zh", "")
        words = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
        assert f"{titles[role]} {name}" in words and owed[one.party] in words
        assert one.file.endswith(f",,payable,{one.party},,{one.payable_fen}\n")
