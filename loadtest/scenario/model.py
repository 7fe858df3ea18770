"""A scenario as it stands in its TOML file: arrivals, the host's script, thresholds."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from loadtest.scenario.distributions import Distribution, RandomTime
from loadtest.scenario.thresholds import Threshold

VIEWERS_MAX = 50_000
ARRIVALS_PER_S_MAX = 5_000.0
STAGE_S_MAX = 7_200.0
DURATION_S_MAX = 21_600.0
PROFILES_MAX = 20
STAGES_MAX = 50
HOST_STEPS_MAX = 200


class ViewerKind(StrEnum):
    """What a viewer does."""

    LURKER = "lurker"
    CHATTER = "chatter"
    BUYER = "buyer"
    INVITER = "inviter"
    SLOW_READER = "slow-reader"
    FLAPPER = "flapper"
    WEBRTC = "webrtc"
    HLS = "hls"
    REPLAY = "replay"


class HostDoes(StrEnum):
    """One step of the host's script."""

    LIVE = "live"
    PIN = "pin"
    UNPIN = "unpin"
    FLASH = "flash"
    END = "end"


class Road(StrEnum):
    """How the host's video goes to the server."""

    WHIP = "whip"
    RTMP = "rtmp"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Table):
    """One sentence in both languages."""

    en: str = Field(min_length=1, max_length=200)
    zh: str = Field(min_length=1, max_length=200)


class Profile(_Table):
    """One kind of viewer and how they spend their time."""

    kind: ViewerKind = Field(description="What viewers of this profile do.")
    name: str = Field("", max_length=40, description="In reports; by default the kind.")
    weight: float = Field(gt=0, le=1e6, description="Its share among all profiles.")
    think_s: RandomTime = Field(
        Distribution(exponential=10.0), description="From one action of a viewer to the next."
    )
    stay_s: RandomTime | None = Field(
        None, description="How long a viewer stays; without it until the end."
    )
    orders: int = Field(1, ge=0, le=100, description="How many orders a buyer places.")
    decode: int = Field(
        1, ge=0, le=10, description="How many of the video viewers decode what they get."
    )
    pause_s: RandomTime = Field(
        Distribution(constant=5.0), description="How long a slow reader reads nothing."
    )


class Stage(_Table):
    """A part of the run with its own load."""

    name: str = Field("", max_length=40)
    seconds: float = Field(gt=0, le=STAGE_S_MAX)
    viewers: int | None = Field(
        None, ge=0, le=VIEWERS_MAX, description="Fixed population, reached evenly over the stage."
    )
    arrivals_per_s: float | None = Field(
        None, ge=0, le=ARRIVALS_PER_S_MAX, description="Open model: Poisson arrivals."
    )
    reconnect_within_s: float | None = Field(
        None,
        ge=0,
        le=600,
        description="All connections break as the stage begins and come back within this time.",
    )

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.viewers is not None and self.arrivals_per_s is not None:
            raise ValueError("viewers and arrivals_per_s exclude each other")
        return self


class HostStep(_Table):
    """What the host does at one moment."""

    at_s: float = Field(ge=0, le=DURATION_S_MAX)
    do: HostDoes
    product: int = Field(1, ge=1, le=200, description="Which of the room's products, from 1 on.")
    within_s: float = Field(
        10.0, gt=0, le=600, description="After a flash, buyers tap once within this time."
    )
    road: Road = Field(Road.WHIP, description="How a live is published.")
    clip: str = Field(
        "", max_length=1_000, description="Media file of a live; without it a pattern with a clock."
    )


class Shop(_Table):
    """What a shop file made for the scenario contains."""

    estates: int = Field(4, ge=1, le=500)
    products: int = Field(4, ge=1, le=40)
    stock: int = Field(10_000, ge=1, le=1_000_000, description="Units of each product.")
    set_parts: int = Field(
        0, ge=0, le=10, description="Products are sets of so many items of their own; 0: items."
    )
    group_target: int = Field(20, ge=0, le=10_000, description="0: no group offers.")
    group_s: int = Field(3_600, ge=60, le=86_400, description="How long a group is open.")


def _is_threshold(text: str) -> str:
    Threshold.parse(text)
    return text


class Scenario(_Table):
    """A whole scenario."""

    title: Title
    seed: int = Field(1, ge=0, le=2**32, description="The same seed gives the same plan.")
    room: str = Field("loadtest", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    shop: Shop = Shop.model_construct()
    profiles: tuple[Profile, ...] = Field(min_length=1, max_length=PROFILES_MAX)
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=STAGES_MAX)
    host: tuple[HostStep, ...] = Field((), max_length=HOST_STEPS_MAX)
    thresholds: tuple[Annotated[str, AfterValidator(_is_threshold)], ...] = Field(
        (), max_length=200, description="`NAME < NUMBER` each; all must hold."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.duration_s > DURATION_S_MAX:
            raise ValueError(f"the stages take {self.duration_s:g} s, more than 6 hours")
        late = [step for step in self.host if step.at_s > self.duration_s]
        if late:
            raise ValueError(
                f"the host's {late[0].do.value!r} at {late[0].at_s:g} s comes after the end, "
                f"{self.duration_s:g} s"
            )
        return self

    def beyond_media(self) -> str:
        """Return what of it another server of WHIP and WHEP cannot have; "" for nothing."""
        for profile in self.profiles:
            if profile.kind is not ViewerKind.WEBRTC:
                return f"viewers who are {profile.kind.value!r}"
        for step in self.host:
            if step.do not in (HostDoes.LIVE, HostDoes.END) or step.road is not Road.WHIP:
                return f"the host's {step.do.value!r}" + " by RTMP" * (step.road is Road.RTMP)
        return ""

    def stretched(self, factor: float) -> "Scenario":
        """Return it with stages and the host's script `factor` times as long.

        Think times, stays, flashes and storms last as long as before.
        """
        if factor == 1.0:
            return self
        stages = tuple(
            stage.model_copy(update={"seconds": stage.seconds * factor}) for stage in self.stages
        )
        host = tuple(step.model_copy(update={"at_s": step.at_s * factor}) for step in self.host)
        return self.model_copy(update={"stages": stages, "host": host})

    @property
    def has_replays(self) -> bool:
        """Whether anybody watches recordings."""
        return any(profile.kind is ViewerKind.REPLAY for profile in self.profiles)

    @property
    def uses_rtmp(self) -> bool:
        """Whether the host publishes by RTMP."""
        return any(step.do is HostDoes.LIVE and step.road is Road.RTMP for step in self.host)

    @property
    def duration_s(self) -> float:
        """How long all stages take."""
        return sum(stage.seconds for stage in self.stages)
