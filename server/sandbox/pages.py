"""The sandbox's pages: where a buyer pays or declines, and the list of all trades."""

from html import escape
from urllib.parse import urlsplit

from server.sandbox.book import Trade, TradeState

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:0 auto;padding:1rem;color:#1d2420;
background:#f5f6f4}h1{font-size:1.1rem;font-weight:600}.amount{font-size:2.4rem;font-weight:600}
button,.back{display:block;width:100%;box-sizing:border-box;padding:.9rem;margin:.75rem 0;
border-radius:.6rem;border:1px solid #1a7f4b;font:inherit;text-align:center;text-decoration:none;
background:#1a7f4b;color:#fff}button.no,.back{background:#fff;color:#1a7f4b}
table{width:100%;border-collapse:collapse}td,th{text-align:left;padding:.4rem .5rem .4rem 0;
border-bottom:1px solid #d9ddd8;overflow-wrap:anywhere}td:nth-child(2){white-space:nowrap}
small{color:#5a655e}
"""
_NAMES = {"wechat": "微信支付 WeChat Pay", "alipay": "支付宝 Alipay", "stripe": "Stripe"}
_STATES = {
    TradeState.WAITING: "待支付 waiting",
    TradeState.PAID: "已支付 paid",
    TradeState.DECLINED: "已拒绝 declined",
    TradeState.CLOSED: "已关闭 closed",
}


def pay_page(trade: Trade, return_url: str) -> str:
    """Return the page of a trade as HTML."""
    if trade.state is TradeState.WAITING:
        act = (
            '<form method="post"><button name="answer" value="pay">支付 Pay</button>'
            '<button class="no" name="answer" value="decline">拒绝 Decline</button></form>'
        )
    else:
        act = f"<p>{_STATES[trade.state]}</p>"
        if urlsplit(return_url).scheme in ("http", "https"):
            act += f'<a class="back" href="{escape(return_url)}">返回商家 Back to the shop</a>'
    return _page(
        f"<h1>{_NAMES[trade.provider]} · 沙箱 sandbox</h1><p>{escape(trade.what)}</p>"
        f'<p class="amount">¥{trade.amount_fen / 100:.2f}</p>{act}'
        f"<p><small>{escape(trade.reference)}<br>没有真实扣款 No money moves.</small></p>"
    )


def list_page(trades: list[Trade]) -> str:
    """Return the list of trades as HTML."""
    rows = "".join(
        f'<tr><td><a href="/pay/{trade.token}">{escape(trade.reference)}</a><br>'
        f"<small>{_NAMES[trade.provider]}</small></td><td>¥{trade.amount_fen / 100:.2f}</td>"
        f"<td>{_STATES[trade.state]}"
        + (f"<br><small>−¥{trade.refunded_fen / 100:.2f}</small>" if trade.refunds else "")
        + "</td></tr>"
        for trade in trades
    )
    table = f"<table>{rows}</table>" if rows else "<p>还没有交易 No trades yet.</p>"
    return _page(f"<h1>支付沙箱 Payment sandbox</h1>{table}")


def _page(body: str) -> str:
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>支付沙箱</title><style>{STYLE}</style>{body}</html>'
    )
