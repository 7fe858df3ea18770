"""One live on this worker: its tracks, its host, its viewers."""

from dataclasses import dataclass, field

from media.io.fanout import Leg
from media.io.session import Session
from media.track import Track

KEY_REQUEST_S = 0.5
KEY_RETRY_S = 1.0


@dataclass(slots=True)
class KeyRequests:
    """When to ask the host for a key frame: at most every half second, again until it comes."""

    wanted: bool = False
    asked_at: float = -1e9
    asked: int = 0

    def want(self) -> None:
        """Somebody needs a key frame."""
        self.wanted = True

    def came(self) -> None:
        """One arrived."""
        self.wanted = False

    def due(self, *, now: float) -> bool:
        """Whether to ask now; asking counts."""
        if not self.wanted or now - self.asked_at < KEY_REQUEST_S:
            return False
        self.asked_at = now
        self.asked += 1
        return True


@dataclass(slots=True)
class MediaRoom:
    """A live and who takes part in it."""

    id: str
    tracks: dict[str, Track]
    publisher: Session | None = None
    viewers: dict[str, Session] = field(default_factory=dict)
    # Legs of viewers that are connected, by kind; replaced, never changed, since frames that wait
    # to
    # be sent hold on to the list of their time.
    legs: dict[str, tuple[Leg, ...]] = field(default_factory=dict)
    keys: KeyRequests = field(default_factory=KeyRequests)
    live: bool = False  # the host's media flows
    lost_at: float | None = None

    def add_leg(self, kind: str, leg: Leg) -> None:
        """A viewer gets this track from the next frame on."""
        self.legs[kind] = (*self.legs.get(kind, ()), leg)

    def remove_leg(self, kind: str, leg: Leg) -> None:
        """A viewer is gone."""
        self.legs[kind] = tuple(other for other in self.legs.get(kind, ()) if other is not leg)
