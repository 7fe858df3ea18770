"""Rules of channels that have nothing to do with a shop: numbers that are added up."""

import msgspec

from rooms.events import Event, PrivateEvent
from rooms.messages import ChatLine, Counters
from rooms.state import State, WithChat


class Added(Event, frozen=True, kw_only=True, tag="add"):
    """A number to add."""

    n: int

    @property
    def is_urgent(self) -> bool:
        return self.n >= 100


class Restarted(Event, frozen=True, kw_only=True, tag="restart"):
    """The sum is zero again."""


class Nudged(PrivateEvent, frozen=True, kw_only=True, tag="nudge"):
    """Something for one user."""

    by: int


class Sum(State, frozen=True):
    """The sum, without chat."""

    total: int = 0


class TalkedSum(State, WithChat, frozen=True):
    """The sum, with chat that starts anew with it."""

    total: int = 0
    restarted_at_ms: int | None = None
    counters: Counters = Counters()
    chat: tuple[ChatLine, ...] = ()

    @property
    def since_ms(self) -> int | None:
        return self.restarted_at_ms


class CountRules:
    """The `ChannelRules`: `talk:…` has chat, other channels do not."""

    event_type = Added | Restarted
    private_type = Nudged

    def empty_state(self, channel: str) -> State:
        return TalkedSum() if channel.startswith("talk:") else Sum()

    def apply(self, state: State, event: Event) -> State:
        replace = msgspec.structs.replace
        match state, event:
            case (Sum() | TalkedSum(), Added(n=n)):
                return replace(state, total=state.total + n)
            case (TalkedSum(), Restarted(at_ms=at_ms)):
                return replace(state, total=0, restarted_at_ms=at_ms)
            case (Sum(), Restarted()):
                return Sum()
            case _:
                return state
