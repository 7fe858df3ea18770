import { describe, expect, it } from 'vitest'
import {
  STARTUP_MAX_MS,
  PLAYOUT_DELAY_MAX_MS,
  PlayoutDelay,
  STARTUP_SAMPLE_EVERY_MS,
  STARTUP_STEP_MS,
  STABLE_MS,
  HELD_MIN_MS,
  JITTER_HOLD_S,
  HIGH_RTT_MS,
  NACK_WINDOW_MS,
  SECOND_NACK_MS,
  STEP_MS,
  iceRttMs,
  receiveSample,
} from '../../src/lib/media/playout-delay'

const good = (seconds: number) => ({
  packets: seconds * 200,
  nacks: 0,
  freezes: 0,
  jitter_s: 0.005,
  emitted: seconds * 25,
  buffered_s: 0,
})

/** Frames that are delayed by the target, one for each sample, until the startup is over. */
function afterStartup(delay: PlayoutDelay, from: number): { targets: (number | null)[]; now: number } {
  const targets: (number | null)[] = []
  let now = from
  let buffered_s = 0
  for (let shown = 1; delay.starting; shown++) {
    now += STARTUP_SAMPLE_EVERY_MS
    targets.push(delay.sample({ ...good(0), emitted: shown, buffered_s }, now))
    buffered_s += (targets.at(-1) ?? 0) / 1000
    if (now > from + 60_000) throw new Error('startup never ends')
  }
  return { targets, now }
}

describe('PlayoutDelay', () => {
  it('leaves the delay to the browser on a clean link', () => {
    const delay = new PlayoutDelay()
    for (let second = 0; second < 60; second++) expect(delay.sample(good(second), second * 1000)).toBe(null)
  })

  it.each([
    ['packet loss', { nacks: 5 }],
    ['a freeze', { freezes: 1 }],
    ['jitter', { jitter_s: 0.05 }],
  ])('grows by steps after %s, and shrinks once the link is stable', (_, what) => {
    const delay = new PlayoutDelay()
    delay.sample(good(1), 1000)
    const bad = { ...good(2), ...what }
    expect(delay.sample(bad, 2000)).toBe(STEP_MS)
    expect(delay.adapting).toBe(true)
    const after = { ...bad, jitter_s: 0 }
    const rising = Array.from({ length: 10 }, (_, at) => delay.sample(after, 2100 + at))
    expect(rising[0]).toBe(2 * STEP_MS)
    expect(rising.at(-1)).toBe(PLAYOUT_DELAY_MAX_MS)
    expect(delay.adapting).toBe(false)
    expect(delay.sample(after, 2000 + STABLE_MS - 1)).toBe(PLAYOUT_DELAY_MAX_MS)
    const falling = Array.from({ length: 10 }, (_, at) => delay.sample(after, 2000 + STABLE_MS + at))
    expect(falling[0]).toBe(PLAYOUT_DELAY_MAX_MS - STEP_MS)
    expect(falling.at(-1)).toBe(null)
    expect(delay.adapting).toBe(false)
  })

  it('does not shrink during moderate jitter, and does not grow from it', () => {
    const uneven = { ...good(1), jitter_s: JITTER_HOLD_S + 0.001 }
    const delay = new PlayoutDelay()
    for (let now = 0; now < 2 * STABLE_MS; now += 1000) expect(delay.sample(uneven, now)).toBe(null)
    for (let now = 0; now < 1000; now += 100) delay.sample({ ...good(1), jitter_s: 0.05 }, now)
    const targets = []
    for (let now = 1000; now < 5 * STABLE_MS; now += 1000)
      targets.push(delay.sample(now % (STABLE_MS - 1000) ? good(1) : uneven, now))
    expect(new Set(targets)).toEqual(new Set([PLAYOUT_DELAY_MAX_MS]))
  })

  it('ignores a single NACK', () => {
    const delay = new PlayoutDelay()
    delay.sample(good(1), 1000)
    expect(delay.sample({ ...good(2), nacks: 1 }, 2000)).toBe(null)
  })

  it.each([
    ['sums NACKs over the window', NACK_WINDOW_MS / 2, STEP_MS],
    ['ignores NACKs in different windows', NACK_WINDOW_MS * 2, null],
  ])('%s', (_, interval_ms, then) => {
    const delay = new PlayoutDelay()
    let target: number | null = null
    for (let now = 0; now <= 2 * interval_ms; now += 250) {
      const nacks = Math.floor(now / interval_ms)
      target = delay.sample({ ...good(0), packets: now / 25, nacks }, now)
    }
    expect(target).toBe(then)
  })

  it('ignores loss before the first sample', () => {
    expect(new PlayoutDelay().sample({ ...good(1), nacks: 9, freezes: 2 }, 1000)).toBe(null)
  })
})

describe('PlayoutDelay at startup', () => {
  it('covers a second NACK at a high RTT, and shrinks without loss', () => {
    const delay = new PlayoutDelay()
    expect(delay.start(HIGH_RTT_MS - 1, 0, 0)).toBe(null)
    expect(delay.starting).toBe(false)
    expect(delay.start(120, 0, 0)).toBe(STARTUP_STEP_MS)
    const target = 120 + SECOND_NACK_MS
    expect(afterStartup(delay, 0).targets.at(-1)).toBe(target)
    for (let second = 1; second * 1000 < STABLE_MS; second++)
      expect(delay.sample(good(second), second * 1000)).toBe(target)
    expect(delay.adapting).toBe(true)
    const falling = Array.from({ length: 10 }, (_, at) => delay.sample(good(21 + at), STABLE_MS + at))
    expect(falling[0]).toBe(target - STEP_MS)
    expect(falling.at(-1)).toBe(null)
  })

  it('grows by startup steps', () => {
    const delay = new PlayoutDelay()
    delay.start(120, 0, 0)
    const { targets } = afterStartup(delay, 0)
    const steps = targets.map((target, at) => (target ?? 0) - (targets[at - 1] ?? STARTUP_STEP_MS))
    expect(Math.max(...steps)).toBeCloseTo(STARTUP_STEP_MS)
    expect(targets.length).toBeLessThan(10)
  })

  it('stays one step above the measured buffer delay', () => {
    const delay = new PlayoutDelay()
    delay.start(120, 0, 0)
    expect(delay.sample(good(0), 50)).toBe(STARTUP_STEP_MS)
    for (let shown = 1; shown < 10; shown++)
      expect(
        delay.sample({ ...good(0), emitted: shown, buffered_s: shown * 0.015 }, 50 + shown * 50),
      ).toBeCloseTo(STARTUP_STEP_MS + 15)
    const late = { ...good(0), emitted: 10, buffered_s: 9 * 0.015 + 0.8 }
    expect(delay.sample(late, 600)).toBeCloseTo(2 * STARTUP_STEP_MS + 15)
    expect(delay.starting).toBe(true)
  })

  it('reaches its target when the startup ends', () => {
    const delay = new PlayoutDelay()
    delay.start(120, 0, 0)
    expect(delay.sample(good(0), STARTUP_MAX_MS - 1)).toBe(STARTUP_STEP_MS)
    expect(delay.sample(good(0), STARTUP_MAX_MS)).toBe(120 + SECOND_NACK_MS)
    expect(delay.starting).toBe(false)
  })

  it('grows further with loss, up to the maximum', () => {
    const delay = new PlayoutDelay()
    delay.start(120, 0, 0)
    const { now } = afterStartup(delay, 0)
    expect(delay.sample({ ...good(2), nacks: 5 }, now + 1)).toBe(120 + SECOND_NACK_MS + STEP_MS)
    const long = new PlayoutDelay()
    long.start(4_000, 0, 0)
    expect(afterStartup(long, 0).targets.at(-1)).toBe(PLAYOUT_DELAY_MAX_MS)
  })

  it.each([
    [0, HELD_MIN_MS - 1, null],
    [0, 180, 180 + STEP_MS],
    [120, 180, 120 + SECOND_NACK_MS],
    [0, 4_000, PLAYOUT_DELAY_MAX_MS],
  ])('covers retransmissions of the host (RTT %d ms, held %d ms)', (rtt_ms, held_ms, target) => {
    const delay = new PlayoutDelay()
    expect(delay.start(rtt_ms, held_ms, 0)).toBe(target && STARTUP_STEP_MS)
    expect(afterStartup(delay, 0).targets.at(-1) ?? null).toBe(target)
  })

  it('takes the RTT from the pair with the most check responses', () => {
    const pair = { type: 'candidate-pair', totalRoundTripTime: 0.3, responsesReceived: 2 }
    const used = { ...pair, totalRoundTripTime: 0.24, responsesReceived: 3 }
    const never = { type: 'candidate-pair', totalRoundTripTime: 0, responsesReceived: 0 }
    expect(iceRttMs([pair, used, never])).toBeCloseTo(80)
    expect(iceRttMs([never, { type: 'transport' }])).toBe(0)
  })
})

describe('receiveSample', () => {
  it('reads the video track', () => {
    const video = {
      type: 'inbound-rtp',
      kind: 'video',
      packetsReceived: 3,
      nackCount: 2,
      freezeCount: 1,
      jitter: 0.1,
      jitterBufferEmittedCount: 4,
      jitterBufferDelay: 0.5,
    }
    expect(receiveSample([{ type: 'inbound-rtp', kind: 'audio' }, video])).toEqual({
      packets: 3,
      nacks: 2,
      freezes: 1,
      jitter_s: 0.1,
      emitted: 4,
      buffered_s: 0.5,
    })
    expect(receiveSample([])).toBe(null)
  })
})
