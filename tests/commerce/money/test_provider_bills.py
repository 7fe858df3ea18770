"""Bills of WeChat Pay and Alipay in their published formats are lines like those of our books."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.money.bills import BadBill, BillKind, BillLine, write_bill
from commerce.money.provider_bills import decode_bill, read_provider_bill

pytestmark = pytest.mark.fast

WECHAT = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"
    "`2026-11-29 20:05:01,`wx1,`19,`0,`,`42,`order-1,`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`19.80,`0.00,"
    "`0,`0,`0.00,`0.00,`,`,`茶,`,`0.12000,`0.60%,`19.80,`0.00,`\r\n"
    "`2026-11-29 20:06:00,`wx1,`19,`0,`,`43,`order-2,`o2,`JSAPI,`SUCCESS,`OTHERS,`CNY,`6.00,`0.00,"
    '`0,`0,`0.00,`0.00,`,`,`"梨, 2 kg",`,`0.04000,`0.60%,`6.00,`0.00,`\r\n'
    "`2026-11-29 21:00:00,`wx1,`19,`0,`,`42,`order-1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,"
    "`50,`order-1-2,`9.90,`0.00,`ORIGINAL,`SUCCESS,`茶,`,`-0.06000,`0.60%,`0.00,`9.90,`\r\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
    "`3,`25.80,`9.90,`0.00,`0.10000,`25.80,`9.90\r\n"
).replace('`"梨, 2 kg"', '"`梨, 2 kg"')
ALIPAY = (
    "#支付宝业务明细查询\r\n#账号：[20880000000000000156]\r\n"
    "#起始日期：[2026年11月29日 00:00:00]   终止日期：[2026年11月30日 00:00:00]\r\n"
    "#-----------------------------------------业务明细列表----------------------------------------\r\n"
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注\r\n"
    "2026\t,order-1\t,交易 ,茶,2026-11-29 20:05:00,2026-11-29 20:05:01,,,,,*佳,19.80,19.80,"
    "0.00,0.00,0.00,0.00,0.00,,0.00,0.00,,-0.12,0.00,\r\n"
    "2027\t,order-2\t,交易 ,梨,2026-11-29 20:05:59,2026-11-29 20:06:00,,,,,*佳,6.00,6.00,"
    "0.00,0.00,0.00,0.00,0.00,,0.00,0.00,,-0.04,0.00,\r\n"
    "2026\t,order-1\t,退款 ,茶,2026-11-29 20:05:00,2026-11-29 21:00:00,,,,,*佳,-9.90,-9.90,"
    "0.00,0.00,0.00,0.00,0.00,,0.00,0.00,order-1-2,0.06,0.00,\r\n"
    "#-----------------------------------------业务明细列表结束------------------------------------\r\n"
    "#交易合计：2笔，商家实收共25.80元，商家优惠共0.00元\r\n"
    "#导出时间：[2026年11月30日 09:00:00]\r\n"
)
EIGHT_PM = 1_795_953_901_000
LINES = [
    BillLine(BillKind.CHARGE, "order-1", 0, 1_980, 12, EIGHT_PM),
    BillLine(BillKind.CHARGE, "order-2", 0, 600, 4, EIGHT_PM + 59_000),
    BillLine(BillKind.REFUND, "order-1", 2, 990, -6, EIGHT_PM + 3_299_000),
]


@pytest.mark.parametrize(
    "data",
    [WECHAT.encode(), b"\xef\xbb\xbf" + WECHAT.encode(), ALIPAY.encode("gbk"), ALIPAY.encode()],
    ids=["wechat", "wechat with a mark", "alipay", "alipay in UTF-8"],
)
def test_a_published_bill_is_its_payments_refunds_and_fees(data: bytes) -> None:
    assert read_provider_bill(decode_bill(data)) == LINES


def test_the_sandboxs_bill_is_read_as_before() -> None:
    lines = [line for line in LINES if line.fee_fen >= 0]
    assert read_provider_bill(write_bill(lines)) == lines


def test_a_refund_that_failed_is_not_in_the_bill() -> None:
    failed = WECHAT.replace("`ORIGINAL,`SUCCESS", "`ORIGINAL,`FAIL")
    assert read_provider_bill(failed) == LINES[:2]


@pytest.mark.parametrize(
    ("bill", "line"),
    [
        (WECHAT.replace("`CNY,`6.00", "`CNY"), 3),
        (WECHAT.replace("`0.12000,`0.60%,`19.80", "`0.12000,`0.60%,`19.70"), 6),
        (WECHAT.partition("总交易单数")[0], 5),
        (WECHAT.replace("SUCCESS,`OTHERS", "REVOKED,`OTHERS"), 2),
        (ALIPAY.replace("-0.12", "much"), 6),
        (ALIPAY.replace("order-1-2", ""), 8),
        ("交易号,金额\n1,2\n", 1),
    ],
)
def test_what_is_no_whole_bill_is_refused_with_its_line(bill: str, line: int) -> None:
    with pytest.raises(BadBill) as refused:
        read_provider_bill(bill)
    assert refused.value.line == line


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([WECHAT, ALIPAY]), st.data())
def test_any_damage_is_refused_or_gives_lines(bill: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(bill)))
    cut = data.draw(st.integers(0, 40))
    damaged = bill[:at] + data.draw(st.text(max_size=10)) + bill[at + cut :]
    try:
        lines = read_provider_bill(damaged)
    except BadBill:
        return
    assert all(line.amount_fen >= 0 and line.order_id for line in lines)
