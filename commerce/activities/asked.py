"""What is asked in a room, the same question asked by many as one: for the host's prompter.

A question becomes a bag of features: its subject and intent by a short lexicon of what people ask
in a live, the products it names, and the n-grams of what is left. It joins the group that it is
most like (cosine), or begins one. One pass, no model.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from commerce.activities.texts import key_of

GROUPS_MAX = 200
"""Groups that are kept; the one that was asked least and longest ago gives way."""
ASKERS_MAX = 2_000
LIKE_MIN = 0.5
"""Cosine from which on two questions are the same."""
INTENT_WEIGHT = 2.0
PRODUCT_WEIGHT = 1.0
GRAM_WEIGHT = 0.35
NAME_LETTERS_MIN = 4

_INTENTS = {
    "price": r"多少钱|什么价|几块|价格|怎么卖|单价|how much|price|cost",
    "fee": r"运费|配送费|邮费|包邮|要钱|delivery fee|free delivery|is delivery free",
    "spicy": r"辣|spicy|mild",
    "sweet": r"甜|sweet",
    "keep": r"放多久|放几天|保质期|保存|how long.*(keep|last)|expire",
    "cook": r"怎么做|怎么烧|怎么煮|怎么吃|做法|菜谱|cook|recipe",
    "origin": r"产地|哪里产|哪儿的|什么地方的|哪里来|come from|where.*from",
    "fresh": r"新鲜|新不新|现摘|今天的|什么时候摘|fresh",
    "weight": r"多重|几斤|多少克|一盒有多少|重量|heavy|gram|weigh",
    "wild": r"野生|养殖|wild|farmed",
    "frozen": r"冻|活的|frozen|alive",
    "restock": r"补货|还会补|明天还有|还会有|restock|more tomorrow",
    "left": r"还有吗|有货|还剩|卖完|没有了|any left|sold out|in stock",
    "limit": r"限购|限几|可以买几|能买多少|how many can i|limit",
    "fail": r"不成团|没拼成|拼不成|fails",
    "need": r"还差|几个人成团|几人成团|how many (more|people)",
    "group": r"拼团|参团|团购|group",
    "refund": r"退|赔|refund|return",
    "pay": r"付款|微信付|支付|付钱|\bpay\b",
    "coupon": r"券|coupon|voucher",
    "draw": r"福袋|抽奖|lucky|draw",
    "allergy": r"花生|过敏|含不含|peanut|allerg|contain",
    "child": r"宝宝|小孩|孩子|几岁|bab(y|ies)|kids|child",
    "pregnant": r"孕妇|怀孕|pregnant",
    "sugar": r"糖尿病|加糖|无糖|sugar|diabet",
    "wash": r"洗|wash",
    "cut": r"切|\bcut\b",
    "clean": r"杀|处理干净|clean the",
    "bones": r"刺|bones",
    "size": r"多大|虾大|几只|多少只|how big",
    "pack": r"包装|冰袋|packed|packag",
    "invoice": r"发票|开票|invoice",
    "address": r"地址写错|改地址|换地址|change my address",
    "cancel": r"取消|下错单|cancel",
    "member": r"会员|member",
    "gift": r"礼盒|送人|gift",
    "hours": r"关门|打烊|营业|close",
    "shop": r"店在哪|门店地址|自提点在|where is the (store|shop)",
    "next": r"下次.*播|下一场|几点直播|next live",
    "replay": r"回放|watch it later|replay",
    "organic": r"有机|农药|organic",
    "brand": r"牌子|brand",
    "pickup": r"取货|自提|几点.*(取|拿)|时候.*取|pick.*up|collect",
    "when": r"什么时候|几点|多久|when|what time",
    "deliver": r"送到|送货|配送|送上门|送吗|送不送|deliver|arrive",
}
_INTENTS_OF = tuple((name, re.compile(expression)) for name, expression in _INTENTS.items())
_EXCLUDES = {
    # The narrower question says it all.
    "fee": {"deliver", "price"},
    "fail": {"group", "refund", "need"},
    "need": {"group"},
    "restock": {"when", "left"},
    "hours": {"when"},
    "next": {"when"},
    "draw": {"when"},
    "fresh": {"when"},
    "keep": {"when"},
    "gift": {"deliver"},
    "pickup": {"deliver", "when"},
    "member": {"price"},
    "weight": {"price"},
    "coupon": {"limit"},
    "address": {"shop"},
    "frozen": {"fresh"},
    "allergy": {"child"},
    "spicy": {"child"},
    "cut": {"clean"},
    "clean": {"cut"},
}
_OF_A_PRODUCT = {"intent:price", "intent:left", "intent:restock"}
_ASKS = re.compile(
    r"[?？]|吗|呢$|多少|几[个块点斤只天份岁]|什么|怎么|哪|谁|能不能|可不可以|是不是|有没有|会不会|"
    r"多[久大重长]|(.)不\1|^(how|what|when|where|who|which|why|can|could|do|does|is|are|will)\b"
)
_FILLERS = re.compile(
    r"请问|主播|老板|大家|你们|这个|那个|现在|今天|大概|的话|一下|可以|能不能|是不是|有没有|会不会|"
    r"[吗呢啊呀吧的了哦哈]|\b(the|is|it|are|a|an|do|does|you|i|can|be|to|in|of|for|this|they|please)\b"
)
_CJK = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-z0-9]+")


def asks(text: str) -> bool:
    """Whether a line looks like a question."""
    return bool(_ASKS.search(text.strip().lower()))


def called(names: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return what people call products, by id, of their Chinese and English names.

    Beside the name itself: pairs of its characters, its last one, and words of it that no other
    product has.
    """
    parts = {id: _pairs(zh) | _words(en) for id, (zh, en) in names.items()}
    everything = "".join(zh for zh, _ in names.values())
    for id, (zh, _) in names.items():
        if _CJK.fullmatch(zh[-1:]) and everything.count(zh[-1]) == 1:
            parts[id].add(zh[-1])
    times = Counter(part for found in parts.values() for part in found)
    return {
        id: (zh, en.lower(), *sorted(part for part in parts[id] if times[part] == 1))
        for id, (zh, en) in names.items()
    }


def _pairs(name: str) -> set[str]:
    found = {run[at : at + 2] for run in _CJK.findall(name) for at in range(len(run) - 1)}
    return {pair for pair in found if not any(each.search(pair) for _, each in _INTENTS_OF)}


def _words(name: str) -> set[str]:
    words = (word.rstrip("s") for word in _LATIN.findall(name.lower()))
    return {word for word in words if len(word) >= NAME_LETTERS_MIN}


def features_of(text: str, names: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return what a question is compared by; `names` are what products are called, by id."""
    lower = " ".join(text.lower().split())
    tight = re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", lower)
    found: dict[str, float] = {}
    intents = {name for name, expression in _INTENTS_OF if expression.search(tight)}
    for name in sorted(intents):
        intents -= _EXCLUDES.get(name, set()) if name in intents else set()
    for name in intents:
        found[f"intent:{name}"] = INTENT_WEIGHT
    for product_id in products_named(tight, names):
        found[f"product:{product_id}"] = PRODUCT_WEIGHT
    rest = _FILLERS.sub(" ", tight)
    for run in _CJK.findall(rest):
        for at in range(len(run) - 1):
            found[run[at : at + 2]] = GRAM_WEIGHT
        if len(run) == 1:
            found[run] = GRAM_WEIGHT
    for word in _LATIN.findall(rest):
        found[word[:5]] = GRAM_WEIGHT
    return found or {key_of(text): 1.0}


def products_named(text: str, names: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the products whose names, or enough of them, are in a line."""
    lower = text.lower()
    return {
        product_id
        for product_id, called in names.items()
        if any(name and name.lower() in lower for name in called)
    }


@dataclass(slots=True)
class Asked:
    """One question, as it was first asked, with who has asked it."""

    text: str
    first_at_ms: int
    last_at_ms: int
    askers: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)
    weights: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    @property
    def count(self) -> int:
        """How many people have asked it."""
        return len(self.askers)


class AskedQuestions:
    """Groups questions as they come; bounded."""

    def __init__(self, names: Mapping[str, Sequence[str]] | None = None) -> None:
        self.names: Mapping[str, Sequence[str]] = names or {}
        self._groups: list[Asked] = []

    def add(self, text: str, asker: str, at_ms: int) -> Asked:
        """Take a question; return the group that it belongs to."""
        features = features_of(text, self.names)
        group = self._nearest(features)
        if group is None:
            group = self._begin(text, at_ms)
        group.weights.update(features)
        group.lines += 1
        if len(group.askers) < ASKERS_MAX:
            group.askers.add(asker)
        group.last_at_ms = max(group.last_at_ms, at_ms)
        group.products |= products_named(text, self.names)
        return group

    def most_asked(self, limit: int) -> list[Asked]:
        """Return the groups, most askers first; of equals the latest."""
        return sorted(self._groups, key=lambda each: (-each.count, -each.last_at_ms))[:limit]

    def _nearest(self, features: Mapping[str, float]) -> Asked | None:
        best, most = None, LIKE_MIN
        for group in self._groups:
            like = likeness(features, group.weights)
            if like > most:
                best, most = group, like
        return best

    def _begin(self, text: str, at_ms: int) -> Asked:
        if len(self._groups) >= GROUPS_MAX:
            self._groups.remove(min(self._groups, key=lambda each: (each.count, each.last_at_ms)))
        group = Asked(text, at_ms, at_ms)
        self._groups.append(group)
        return group


def likeness(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the cosine of two bags; 0.0 where they ask other things, or of other products.

    A price without a product is that of the one which is shown.
    """
    intents = _of_kind(one, "intent:")
    if intents != _of_kind(other, "intent:"):
        return 0.0
    left, right = _of_kind(one, "product:"), _of_kind(other, "product:")
    if left != right and ((left and right) or intents & _OF_A_PRODUCT):
        return 0.0
    dot = sum(weight * other.get(name, 0.0) for name, weight in one.items())
    return dot / (_length(one.values()) * _length(other.values()) or 1.0)


def _of_kind(features: Iterable[str], kind: str) -> set[str]:
    return {name for name in features if name.startswith(kind)}


def _length(weights: Iterable[float]) -> float:
    return math.sqrt(sum(weight * weight for weight in weights))
