"""Stereo from a host's microphone to a viewer's ears: two channels that differ."""

import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.support.browsers import CHROMIUM_ARGUMENTS, People, goes_live, more_frames
from tests.support.chromium import WHOLE, find_chromium
from tests.support.figures import Figures
from tests.support.running import Running
from tests.support.waiting import wait_until

RATE_HZ = 48_000
LEFT_HZ, RIGHT_HZ = 500, 2_000
LOOP_S = 8
BEATS_HZ = 3  # noise suppression takes away a tone that never changes
HEARD_S = 60.0
TIMES_LOUDER_MIN = 10.0

# How loud both tones are in each channel of what the page plays, by WebAudio: the largest of 3 s.
LISTEN = """async ([left, right]) => {
  const context = new AudioContext({ sampleRate: 48000 })
  const source = context.createMediaStreamSource(document.querySelector('video').srcObject)
  const splitter = context.createChannelSplitter(2)
  source.connect(splitter)
  const channels = [0, 1].map((channel) => {
    const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 })
    splitter.connect(analyser, channel)
    return analyser
  })
  const loudest = [[0, 0], [0, 0]]
  const bins = new Float32Array(channels[0].frequencyBinCount)
  for (let look = 0; look < 30; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    channels.forEach((analyser, channel) => {
      analyser.getFloatFrequencyData(bins)
      ;[left, right].forEach((hz, tone) => {
        const at = Math.round(hz * analyser.fftSize / context.sampleRate)
        const db = Math.max(...bins.subarray(at - 1, at + 2))
        loudest[channel][tone] = Math.max(loudest[channel][tone], 10 ** (db / 20))
      })
    })
  }
  await context.close()
  return loudest
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def people(linli: Running, tmp_path: Path) -> AsyncIterator[People]:
    """People whose microphones give another tone in each channel."""
    sound = tmp_path / "stereo.wav"
    _write_tones(sound)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(WHOLE),
            args=[
                *CHROMIUM_ARGUMENTS,
                f"--use-file-for-fake-audio-capture={sound}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        people = People(browser, linli)
        yield people
        await people.close()
        await browser.close()


async def test_a_viewer_hears_both_channels_of_a_stereo_microphone(
    people: People, figures: Figures
) -> None:
    await goes_live(people)
    viewer = await people.open(people.room_path)
    await more_frames(viewer)
    heard: list[list[float]] = []

    async def sounds() -> bool:
        heard[:] = await viewer.evaluate(LISTEN, [LEFT_HZ, RIGHT_HZ])
        return max(heard[0] + heard[1]) > 0.001

    await wait_until(sounds, HEARD_S, "sound")
    (left_in_left, right_in_left), (left_in_right, right_in_right) = heard
    own = f"{left_in_left / right_in_left:.0f}, {right_in_right / left_in_right:.0f}"
    figures.seen("own tone over the other channel's, left and right", own)
    assert left_in_left > TIMES_LOUDER_MIN * right_in_left
    assert right_in_right > TIMES_LOUDER_MIN * left_in_right


def _write_tones(file: Path) -> None:
    at = np.arange(RATE_HZ * LOOP_S) / RATE_HZ
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * BEATS_HZ * at)
    tones = [np.sin(2 * np.pi * hz * at) * beat for hz in (LEFT_HZ, RIGHT_HZ)]
    samples = (np.stack(tones, axis=1) * 12_000).astype("<i2")
    with wave.open(str(file), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
