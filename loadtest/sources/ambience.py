"""Generated audio: a soft chime over quiet noise, a loop of 16-bit stereo at 48 kHz."""

import numpy as np
import numpy.typing as npt

RATE_HZ = 48_000
LOOP_S = 8
# One Opus packet: 20 ms.
BLOCK_SAMPLES = 960
_CHIMES = ((0.0, 523.25), (0.5, 659.25), (4.0, 587.33), (4.5, 783.99))
_LOUDNESS = 0.08
_NOISE = 0.0015

Samples = npt.NDArray[np.int16]


def ambient_loop(random: np.random.Generator) -> Samples:
    """Return the loop, shape (blocks, BLOCK_SAMPLES × 2): interleaved stereo."""
    length = RATE_HZ * LOOP_S
    at = np.arange(length) / RATE_HZ
    left, right = (random.normal(0.0, _NOISE, length) for _ in range(2))
    for number, (start_s, pitch_hz) in enumerate(_CHIMES):
        since = (at - start_s) % LOOP_S
        rise, fall = np.minimum(since / 0.02, 1.0), np.exp(-since * 1.6)
        note = _LOUDNESS * rise * fall * np.sin(2 * np.pi * pitch_hz * since)
        left += note * (0.7 if number % 2 else 1.0)
        right += note * (1.0 if number % 2 else 0.7)
    stereo = np.stack([left, right], axis=1)
    return (stereo * 32_767).astype(np.int16).reshape(-1, BLOCK_SAMPLES * 2)
