"""Bills of payment providers as files: which format one has, and its lines.

    sandbox     bills.py
    WeChat Pay  交易账单 of type ALL, UTF-8: a header, a row per payment and refund, cells after
                a backtick, then a header and a row of sums, which are compared with the rows
                (pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html)
    Alipay      业务明细 as alipay.data.dataservice.bill.downloadurl.query gives it in its archive,
                GBK: notes after `#`, a header, a row per payment (交易) and refund (退款), whose
                amounts and fees have signs

Columns are found by their names. Amounts are in yuan with up to five digits of a fee; a fee is
rounded half up to a fen per row, and that of a refund is negative if it was given back. Neither
format was tried with a file of a live account.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from commerce.money.accounts import DAY_ZONE
from commerce.money.bills import (
    BILL_CHARS_MAX,
    HEADER,
    LINES_MAX,
    BadBill,
    BillKind,
    BillLine,
    read_bill,
)

_Parse = Callable[[Mapping[str, str]], BillLine | None]

AMOUNT_CHARS_MAX = 20
WECHAT_SUMS = "总交易单数"
ALIPAY_NOTE = "#"


def decode_bill(data: bytes) -> str:
    """Return the text of a bill, which is UTF-8 or GBK.

    Raises:
        BadBill: It is neither.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadBill(1)


def read_provider_bill(text: str) -> list[BillLine]:
    """Return the lines of a bill of any known provider; `order_id` is our reference there.

    Raises:
        BadBill: It cannot be read.
    """
    if len(text) > BILL_CHARS_MAX:
        raise BadBill(1)
    first = text.partition("\n")[0].strip()
    if first == ",".join(HEADER):
        return read_bill(text)
    if first.startswith("交易时间,"):
        return _wechat(text)
    if first.startswith("#支付宝"):
        return _alipay(text)
    raise BadBill(1)


def _wechat(text: str) -> list[BillLine]:
    rows = _rows(text)
    _, names = next(rows)
    lines: list[BillLine] = []
    for number, cells in rows:
        values = [cell.removeprefix("`") for cell in cells]
        if values[0] == WECHAT_SUMS:
            return _checked(lines, number, dict(zip(values, _sums(rows, number), strict=False)))
        line = _parsed(number, names, values, _wechat_line)
        if line is not None:
            lines.append(line)
    raise BadBill(len(lines) + 2)  # without its sums it is not whole


def _wechat_line(row: Mapping[str, str]) -> BillLine | None:
    state = row["交易状态"]
    fee, at_ms, order_id = _fen(row["手续费"]), _at_ms(row["交易时间"]), row["商户订单号"]
    if state == "SUCCESS":
        return BillLine(BillKind.CHARGE, order_id, 0, _fen(row["订单金额"]), fee, at_ms)
    if state != "REFUND":
        raise ValueError(state)
    if row["退款状态"] == "FAIL":
        return None
    n = _refund_number(row["商户退款单号"])
    return BillLine(BillKind.REFUND, order_id, n, _fen(row["申请退款金额"]), fee, at_ms)


def _sums(rows: Iterator[tuple[int, list[str]]], number: int) -> list[str]:
    for _, cells in rows:
        return [cell.removeprefix("`") for cell in cells]
    raise BadBill(number + 1)


def _checked(lines: list[BillLine], number: int, sums: Mapping[str, str]) -> list[BillLine]:
    """Return the lines if they are as many as the file says, and come to what it says."""
    try:
        paid = sum(line.amount_fen for line in lines if line.kind is BillKind.CHARGE)
        if paid != _fen(sums["订单总金额"]) or int(sums[WECHAT_SUMS]) < len(lines):
            raise BadBill(number + 1)
    except (KeyError, ValueError, InvalidOperation):
        raise BadBill(number + 1) from None
    return lines


def _alipay(text: str) -> list[BillLine]:
    rows = ((at, cells) for at, cells in _rows(text) if not cells[0].startswith(ALIPAY_NOTE))
    first = next(rows, None)
    if first is None:
        raise BadBill(1)
    names = [name.replace("(", "（").replace(")", "）") for name in first[1]]
    lines = (_parsed(number, names, cells, _alipay_line) for number, cells in rows)
    return [line for line in lines if line is not None]


def _alipay_line(row: Mapping[str, str]) -> BillLine | None:
    # The fee of a payment is what is taken, below zero; that of a refund what is given back.
    fee, at_ms, order_id = -_fen(row["服务费（元）"]), _at_ms(row["完成时间"]), row["商户订单号"]
    amount_fen = _fen(row["订单金额（元）"])
    if row["业务类型"] == "交易":
        return BillLine(BillKind.CHARGE, order_id, 0, amount_fen, fee, at_ms)
    if row["业务类型"] != "退款":
        raise ValueError(row["业务类型"])
    n = _refund_number(row["退款批次号/请求号"])
    return BillLine(BillKind.REFUND, order_id, n, -amount_fen, fee, at_ms)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with its line, without the spaces and tabs around its cells."""
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        for cells in rows:
            if rows.line_num > LINES_MAX:
                raise BadBill(rows.line_num)
            if cells:
                yield rows.line_num, [cell.strip() for cell in cells]
    except csv.Error:
        raise BadBill(rows.line_num) from None


def _parsed(number: int, names: Iterable[str], cells: list[str], parse: _Parse) -> BillLine | None:
    try:
        line = parse(dict(zip(names, cells, strict=True)))
        if line is not None and (line.amount_fen < 0 or not line.order_id):
            raise BadBill(number)
        return line
    except (KeyError, ValueError, InvalidOperation):
        raise BadBill(number) from None


def _fen(yuan: str) -> int:
    if len(yuan) > AMOUNT_CHARS_MAX:
        raise ValueError(yuan)
    fen = Decimal(yuan or "0") * 100
    if not fen.is_finite() or abs(fen) > 10**15:
        raise ValueError(yuan)
    return int(fen.quantize(Decimal(1), ROUND_HALF_UP))


def _at_ms(time: str) -> int:
    at = datetime.strptime(time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=DAY_ZONE)
    return int(at.timestamp() * 1_000)


def _refund_number(reference: str) -> int:
    """Return which refund of its order it is: our reference ends with it."""
    digits = reference.rpartition("-")[2]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):
        raise ValueError(reference)
    return int(digits)
