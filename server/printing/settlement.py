"""A settlement on A4: what each account comes to, then every entry, and the sum that is owed.

The same settlement gives the same bytes: nothing in it is of the moment when it is printed.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from commerce.catalogue.values import Text
from commerce.money.accounts import DAY_ZONE, Account, kind_of
from commerce.money.settlements import SettledEntry, Settlement
from server.printing.fonts import Font, NoFont, find_font, load_font
from server.printing.packing_words import Language, words_in
from server.printing.sheet import A4, Align, Sheet

__all__ = ["NoFont", "settlement_pdf"]

MARGIN = 15.0
RIGHT = A4[0] - MARGIN
FOOT = A4[1] - 18.0
WITHIN = A4[0] - 2 * MARGIN
ROW = 6.0
POINTS = 9.0
TIME_X, ORDER_X, KIND_X, ACCOUNT_X = MARGIN, MARGIN + 18, MARGIN + 62, MARGIN + 100

TITLE = Text("结算单", "Settlement")
DAY = Text("账期 {day}", "Books of {day}")
PARTIES: Mapping[str, Text] = MappingProxyType(
    {
        "store": Text("门店", "Store"),
        "leader": Text("团长", "Leader"),
        "supplier": Text("供应商", "Supplier"),
    }
)
PAYABLE = Text("应付合计", "Owed")
HEADS = (
    (TIME_X, Text("时间", "Time")),
    (ORDER_X, Text("订单或来源", "Order or source")),
    (KIND_X, Text("类型", "Kind")),
    (ACCOUNT_X, Text("科目", "Account")),
)
AMOUNT = Text("金额（元）", "Amount (yuan)")
FILE = Text("CSV 校验 {hash}", "CSV SHA-256 {hash}")
ACCOUNTS: Mapping[Account, Text] = MappingProxyType(
    {
        Account.SALES: Text("销售", "Sales"),
        Account.DISCOUNT: Text("优惠", "Discounts"),
        Account.REFUNDS: Text("退款", "Refunds"),
        Account.TAX: Text("税", "Tax"),
        Account.COMMISSION: Text("佣金", "Commission"),
        Account.LEADER: Text("团长佣金", "Leader's commission"),
        Account.SUPPLIER: Text("货款", "Goods"),
    }
)
KINDS: Mapping[str, Text] = MappingProxyType(
    {
        "earn": Text("交付", "Handed over"),
        "tax": Text("税额", "Tax"),
        "tax_back": Text("退税额", "Tax back"),
        "refund": Text("退款", "Refund"),
        "discount": Text("优惠", "Discount"),
        "commission": Text("佣金", "Commission"),
        "clawback": Text("佣金收回", "Clawback"),
        "supply": Text("到货或退货", "Goods"),
        "payout": Text("付款", "Payout"),
        "pos_sale": Text("收银", "Till sale"),
        "pos_return": Text("收银退货", "Till return"),
        "pos_void": Text("收银作废", "Till void"),
    }
)


def settlement_pdf(
    settlement: Settlement, day: str, name: str, language: Language, font: str
) -> bytes:
    """Return the settlement of a day; `name` is that of its party, `font` is LINLI_FONT.

    Raises:
        NoFont: There is none to print with.
    """
    kind, _, id = settlement.party.partition(":")
    title = f"{words_in(TITLE, language)} · {words_in(PARTIES[kind], language)} {name or id}"
    pages = _Pages(title, settlement.sha256, language, load_font(find_font(font)))
    sheet = pages.sheet
    sheet.text(MARGIN, 24, title, 18, width=WITHIN, points_min=11)
    sheet.text(MARGIN, 32, words_in(DAY, language, day=day), 11)
    pages.y = 40
    sums: Counter[Account] = Counter()
    for entry in settlement.entries:
        sums[kind_of(entry.account)] += entry.amount_fen
    for account, fen in sorted(sums.items()):
        pages.amount(words_in(ACCOUNTS[account], language), fen)
    sheet.rule(MARGIN, pages.y, WITHIN, 0.4)
    pages.amount(words_in(PAYABLE, language), settlement.payable_fen, 13)
    pages.y += 6
    pages.heads()
    for entry in settlement.entries:
        pages.entry(entry)
    return sheet.pdf()


class _Pages:
    """Where on which page the next row goes."""

    def __init__(self, title: str, sha256: str, language: Language, font: Font) -> None:
        self.sheet = Sheet(A4, font, title)
        self.y = MARGIN
        self._language: Language = language
        self._foot = words_in(FILE, language, hash=sha256)
        self._page = 1
        self._number()

    def amount(self, words: str, fen: int, points: float = 11) -> None:
        """Draw a sum."""
        self.y += ROW + 1
        self.sheet.text(MARGIN, self.y - 1.5, words, points)
        self.sheet.text(RIGHT, self.y - 1.5, _yuan(fen), points, align=Align.RIGHT)

    def heads(self) -> None:
        """Draw what the columns are."""
        for x, words in HEADS:
            self.sheet.text(x, self.y + 4, words_in(words, self._language), POINTS)
        amount = words_in(AMOUNT, self._language)
        self.sheet.text(RIGHT, self.y + 4, amount, POINTS, align=Align.RIGHT)
        self.y += ROW
        self.sheet.rule(MARGIN, self.y, WITHIN, 0.4)

    def entry(self, entry: SettledEntry) -> None:
        """Draw an entry, on a new page if this one is full."""
        if self.y + ROW > FOOT:
            self.sheet.next_page()
            self._page += 1
            self._number()
            self.y = MARGIN
            self.heads()
        at = datetime.fromtimestamp(entry.at_ms / 1_000, UTC).astimezone(DAY_ZONE)
        base = self.y + 4.2
        kind = KINDS.get(entry.kind)
        account = words_in(ACCOUNTS[kind_of(entry.account)], self._language)
        for x, words, width in (
            (TIME_X, f"{at:%H:%M:%S}", ORDER_X - TIME_X - 2),
            (ORDER_X, entry.order_number or entry.source, KIND_X - ORDER_X - 2),
            (KIND_X, words_in(kind, self._language) if kind else entry.kind, 36.0),
            (ACCOUNT_X, account, 50.0),
        ):
            self.sheet.text(x, base, words, POINTS, width=width)
        self.sheet.text(RIGHT, base, _yuan(entry.amount_fen), POINTS, align=Align.RIGHT)
        self.y += ROW
        self.sheet.rule(MARGIN, self.y, WITHIN, 0.1)

    def _number(self) -> None:
        self.sheet.text(MARGIN, A4[1] - 8, self._foot, 7, width=WITHIN - 15)
        self.sheet.text(RIGHT, A4[1] - 8, str(self._page), 8, align=Align.RIGHT)


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
