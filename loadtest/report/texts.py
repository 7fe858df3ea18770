"""The words of the HTML report: (Chinese, English)."""

import re
from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]

TEXTS = {
    "pass": ("通过", "Pass"),
    "fail": ("未通过", "Fail"),
    "invalid": ("无效", "Invalid"),
    "target": ("目标 · 直播间", "Target · room"),
    "began": ("开始", "Began"),
    "length": ("时长", "Length"),
    "factor": ("倍数 · 种子", "Factor · seed"),
    "joined": ("进入的观众", "Viewers who got in"),
    "workers": ("进程", "Processes"),
    "thresholds": ("门槛", "Thresholds"),
    "threshold": ("门槛", "Threshold"),
    "measured": ("实测", "Measured"),
    "audit": ("对账", "Audit"),
    "count": ("数量", "Count"),
    "course": ("过程", "Course of the run"),
    "curves": ("百分位曲线", "Percentile curves"),
    "errors": ("错误", "Errors"),
    "no_errors": ("没有错误。", "None."),
    "kind": ("种类", "Kind"),
    "stages": ("阶段", "Stages"),
    "stage": ("阶段", "Stage"),
    "from": ("从", "From"),
    "until": ("到", "Until"),
    "tester": ("测试器自身", "The tester itself"),
    "lag": ("事件循环延迟 p99 / 最大", "Lag of its loop, p99 / most"),
    "cpu": ("占用一个核", "Of one core"),
    "others": ("其他程序占用的核数", "Cores used by other programs"),
    "clock": ("时钟跳变", "Clock step"),
    "sockets": ("本机拒绝的套接字", "Sockets refused by its machine"),
    "machine": ("机器", "Machine"),
}
LIVE = {
    "viewers": ("观众", "viewers"),
    "room.messages": ("收到的消息", "messages received"),
    "chat.sent": ("聊天", "chat lines"),
    "orders.tapped": ("点击下单", "taps"),
    "orders.confirmed": ("成交", "orders confirmed"),
    "media.packets": ("RTP 包", "RTP packets"),
    "media.bytes": ("视频码率", "video"),
    "hls.parts": ("HLS 分片", "HLS parts"),
    "replay.segments": ("回放分段", "segments of replays"),
    "last second": ("毫秒，最近一秒", "ms, last second"),
    "worst": ("{seconds} 秒内的 p99", "p99 of {seconds} s"),
    "in all": ("合计", "in all"),
    "ending": ("正在结束：", "ending: "),
    "holds": ("全部达标", "every threshold holds"),
}
AUDIT = {
    "orders.oversold": ("超卖的份数", "Units sold beyond the stock"),
    "orders.lost": ("丢失的订单", "Orders lost"),
    "orders.doubled": ("重复的订单", "Orders doubled"),
    "orders.counter_difference": ("库存计数与订单的差", "Stock counter against orders"),
    "orders.refunds_owed": ("未退的款", "Refunds owed"),
    "groups.seats_difference": ("拼单人数与付款户数的差", "Group seats against paying households"),
    "room.gaps": ("漏掉的事件", "Events missed"),
    "room.duplicates": ("重复的事件", "Events twice"),
    "room.behind": ("结束时落后的观众", "Viewers behind at the end"),
    "pins.missed": ("没看到上架的观众", "Viewers who missed a pin"),
    "glass.freezes": ("画面冻结（解码观众）", "Freezes of viewers that decode"),
    "media.forged": ("伪造的媒体包", "Forged media packets"),
}
TIMING_NAMES = {
    "join": ("进入直播间", "Joining the room"),
    "room.delivery": ("消息送达", "Delivery of a chat line"),
    "room.recovery": ("断线恢复", "Recovery after a lost connection"),
    "pin.shown": ("上架可见", "Pin until shown"),
    "tap.answer": ("下单到答复", "Tap until answered"),
    "tap.shown": ("下单到显示", "Tap until shown"),
    "media.first_packet": ("第一个媒体包", "First media packet"),
    "media.first_frame": ("第一帧画面", "First decoded frame"),
    "media.jitter": ("媒体包抖动", "Jitter of media packets"),
    "glass.webrtc": ("WebRTC 端到端延迟", "Glass to glass, WebRTC"),
    "glass.hls": ("HLS 端到端延迟", "Glass to glass, HLS"),
    "hls.first_part": ("HLS 第一个分片", "First HLS part"),
    "replay.first_segment": ("回放第一段", "First segment of a replay"),
    "replay.segment": ("回放分段加载", "Loading a replay's segment"),
    "hls.part": ("HLS 分片送达", "Delivery of an HLS part"),
}
LINES = {
    "viewers": ("观众", "viewers"),
    "messages": ("消息", "messages"),
    "packets": ("包", "packets"),
    "bits": ("码率", "bit rate"),
    "held up": ("耽误", "held up"),
    "parts": ("分片", "parts"),
    "taps": ("点击", "taps"),
    "confirmed": ("成交", "confirmed"),
    "sold out": ("售罄", "sold out"),
    "lost": ("断开", "lost"),
    "recovered": ("补齐", "recovered"),
    "snapshots": ("重取", "snapshots"),
    "freezes": ("冻结", "freezes"),
    "layers": ("换档", "changes of layer"),
    "decoded": ("冻结（解码）", "freezes, decoded"),
    "segments": ("分段", "segments"),
    "stalls": ("卡顿", "stalls"),
    "skipped": ("跳过", "skipped"),
    "again": ("重复", "repeated"),
    "missing": ("缺失", "missing"),
    "repaired": ("重传补回", "repaired"),
}
PLOTS: tuple[tuple[tuple[str, str], dict[str, str]], ...] = (
    (("在线观众", "Viewers"), {"viewers": "population"}),
    (("每秒收到的消息", "Messages received a second"), {"messages": "room.messages"}),
    (
        ("每秒订单", "Orders a second"),
        {"taps": "orders.tapped", "confirmed": "orders.confirmed", "sold out": "orders.sold_out"},
    ),
    (
        ("每秒断开与恢复", "Connections lost and recovered a second"),
        {"lost": "room.lost", "recovered": "room.recovered", "snapshots": "room.snapshots"},
    ),
    (("每秒媒体包", "Media packets a second"), {"packets": "media.packets"}),
    (("媒体码率（bit/s）", "Bit rate of the media (bit/s)"), {"bits": "media.bits"}),
    (("每秒 HLS 分片", "HLS parts a second"), {"parts": "hls.parts"}),
    (
        ("缺失与重传补回的媒体包", "Media packets missing and repaired"),
        {"missing": "media.missing", "repaired": "media.repaired"},
    ),
    (
        ("画面冻结与换档", "Freezes and changes of layer"),
        {"freezes": "media.freezes", "layers": "media.layer_changes", "decoded": "glass.freezes"},
    ),
    (
        ("跳过与重复的帧（解码观众）", "Frames skipped and repeated, of viewers that decode"),
        {"skipped": "glass.skipped", "again": "glass.repeated"},
    ),
    (("测试器被耽误（毫秒）", "Tester held up (ms)"), {"held up": "stall_ms"}),
    (
        ("每秒回放分段与卡顿", "Segments of replays and stalls"),
        {"segments": "replay.segments", "stalls": "replay.stalls"},
    ),
)
# Reasons and notes as a run writes them, and in Chinese; the more general come last.
SENTENCES = (
    (r"the tester's own loop was (.+) ms late \(p99\)", r"测试器自身的循环迟了 \1 毫秒（p99）"),
    (
        r"the tester was held up for up to (.+) ms: without those (.+) s nothing speaks "
        r"against (.+)",
        r"测试器自身被耽误最长 \1 毫秒：除去受影响的 \2 秒，\3 并未违反",
    ),
    (
        r"The tester was held up in (.+) s of the run, for up to (.+) ms\.",
        r"测试器在其中 \1 秒里被耽误，最长 \2 毫秒。",
    ),
    (r"the tester used (.+) of its core", r"测试器用了一个核的 \1"),
    (r"the tester's clock was set by (.+) ms", r"测试器的时钟被拨动了 \1 毫秒"),
    (r"the tester's machine refused (.+) sockets", r"测试机拒绝了 \1 个套接字"),
    (r"nothing was measured for (.+)", r"没有测到：\1"),
    (r"interrupted after (.+) s", r"\1 秒后被中断"),
    (r"the target stopped answering after about (.+) s", r"约 \1 秒后目标不再应答"),
    (r"the stock could not be read after the run", "结束后读不到库存"),
    (r"preparing", "准备中"),
    (r"running", "进行中"),
    (r"waiting for (.+) agents", r"等待 \1 台代理机"),
    (r"(.+) of the tester's (.+) processes died", r"测试器的 \2 个进程中有 \1 个中途退出"),
    (r"the orders of (.+) guests could not be read", r"\1 位客人的订单读不到"),
    (r"an agent's clock is known to (.+) ms only", r"一台代理机的时钟只能确定到 \1 毫秒"),
    (r"The agents' clocks are known to (.+) ms\.", r"各代理机的时钟确定到 \1 毫秒。"),
    (
        r"The tester used (.+) cores of its machine, other programs (.+)\.",
        r"测试器用了本机 \1 个核，其他程序用了 \2 个。",
    ),
    (
        r"(.+) orders of the run stay in the target's record\.",
        r"目标的记录里留下本次的 \1 笔订单。",
    ),
    (
        r"The run's shop (.+) stays in the target's record, off sale\.",
        r"本次的店 \1 留在目标的记录里，已下架。",
    ),
    (
        r"The target is a server of WHIP and WHEP: its video was measured, and nothing else\.",
        "目标是 WHIP 与 WHEP 服务器：只测了视频。",
    ),
    (r"(.+) \(measured (.+)\)", r"\1（实测 \2）"),
)


def in_chinese(sentence: str) -> tuple[str, str]:
    """Return a sentence in both languages; an unknown one is English in both."""
    for english, chinese in SENTENCES:
        if found := re.fullmatch(english, sentence):
            return found.expand(chinese), sentence
    return sentence, sentence


def in_language(sentence: str, language: Language) -> str:
    """Return a sentence in one language; an unknown one as it is."""
    return in_chinese(sentence)[language == "en"]


def live_text(name: str, language: Language) -> str:
    """Return one of the terminal's words."""
    return LIVE[name][language == "en"]


def timing_name(name: str, language: Language) -> str:
    """Return how the terminal names a timing; English is what thresholds have."""
    return TIMING_NAMES[name][0] if language == "zh" else name


def language_of(environment: Mapping[str, str]) -> Language:
    """Return the language of a terminal, by the variables of POSIX."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
