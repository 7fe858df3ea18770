import { describe, expect, it } from 'vitest'
import {
  BEGINS_FOR_MS,
  CUSHION_MS,
  Cushion,
  FIRST_SAMPLES_EVERY_MS,
  FIRST_STEP_MS,
  GOOD_FOR_MS,
  HELD_MS,
  JITTER_S_KEPT,
  LONG_WAY_MS,
  MISSED_WITHIN_MS,
  SECOND_TRY_MS,
  STEP_MS,
  checkedRoundTrip,
  lineSample,
} from '../src/lib/media/playout-delay'

const good = (seconds: number) => ({
  packets: seconds * 200,
  nacks: 0,
  freezes: 0,
  jitter_s: 0.005,
  shown: seconds * 25,
  waited_s: 0,
})

/** Pictures that wait for as long as they are told to, one for each sample, until the delay is what was meant. */
function begun(cushion: Cushion, from: number): { targets: (number | null)[]; now: number } {
  const targets: (number | null)[] = []
  let now = from
  let waited_s = 0
  for (let shown = 1; cushion.beginning; shown++) {
    now += FIRST_SAMPLES_EVERY_MS
    targets.push(cushion.sample({ ...good(0), shown, waited_s }, now))
    waited_s += (targets.at(-1) ?? 0) / 1000
    if (now > from + 60_000) throw new Error('it never ends')
  }
  return { targets, now }
}

describe('the cushion against losses', () => {
  it('is none on a good line', () => {
    const cushion = new Cushion()
    for (let second = 0; second < 60; second++) expect(cushion.sample(good(second), second * 1000)).toBe(null)
  })

  it.each([
    ['losses', { nacks: 5 }],
    ['a freeze', { freezes: 1 }],
    ['unevenness', { jitter_s: 0.05 }],
  ])('grows with %s step by step, and shrinks after a good while', (_, what) => {
    const cushion = new Cushion()
    cushion.sample(good(1), 1000)
    const bad = { ...good(2), ...what }
    expect(cushion.sample(bad, 2000)).toBe(STEP_MS)
    expect(cushion.changing).toBe(true)
    const after = { ...bad, jitter_s: 0 }
    const grown = Array.from({ length: 10 }, (_, at) => cushion.sample(after, 2100 + at))
    expect(grown[0]).toBe(2 * STEP_MS)
    expect(grown.at(-1)).toBe(CUSHION_MS)
    expect(cushion.changing).toBe(false)
    expect(cushion.sample(after, 2000 + GOOD_FOR_MS - 1)).toBe(CUSHION_MS)
    const shrunk = Array.from({ length: 10 }, (_, at) => cushion.sample(after, 2000 + GOOD_FOR_MS + at))
    expect(shrunk[0]).toBe(CUSHION_MS - STEP_MS)
    expect(shrunk.at(-1)).toBe(null)
    expect(cushion.changing).toBe(false)
  })

  it('stays while packets come unevenly now and then, and does not come with that', () => {
    const uneven = { ...good(1), jitter_s: JITTER_S_KEPT + 0.001 }
    const cushion = new Cushion()
    for (let now = 0; now < 2 * GOOD_FOR_MS; now += 1000) expect(cushion.sample(uneven, now)).toBe(null)
    for (let now = 0; now < 1000; now += 100) cushion.sample({ ...good(1), jitter_s: 0.05 }, now)
    const told = []
    for (let now = 1000; now < 5 * GOOD_FOR_MS; now += 1000)
      told.push(cushion.sample(now % (GOOD_FOR_MS - 1000) ? good(1) : uneven, now))
    expect(new Set(told)).toEqual(new Set([CUSHION_MS]))
  })

  it('does not come with a single lost packet', () => {
    const cushion = new Cushion()
    cushion.sample(good(1), 1000)
    expect(cushion.sample({ ...good(2), nacks: 1 }, 2000)).toBe(null)
  })

  it.each([
    ['comes with losses that are few in each sample', MISSED_WITHIN_MS / 2, STEP_MS],
    ['does not come with losses that are far apart', MISSED_WITHIN_MS * 2, null],
  ])('%s', (_, apart_ms, then) => {
    const cushion = new Cushion()
    let told: number | null = null
    for (let now = 0; now <= 2 * apart_ms; now += 250) {
      const nacks = Math.floor(now / apart_ms)
      told = cushion.sample({ ...good(0), packets: now / 25, nacks }, now)
    }
    expect(told).toBe(then)
  })

  it('does not come with what was lost before it was first asked', () => {
    expect(new Cushion().sample({ ...good(1), nacks: 9, freezes: 2 }, 1000)).toBe(null)
  })
})

describe('the cushion of a long way', () => {
  it('is there for the first pictures, and goes when nothing was lost', () => {
    const cushion = new Cushion()
    expect(cushion.begin(LONG_WAY_MS - 1, 0, 0)).toBe(null)
    expect(cushion.beginning).toBe(false)
    expect(cushion.begin(120, 0, 0)).toBe(FIRST_STEP_MS)
    const meant = 120 + SECOND_TRY_MS
    expect(begun(cushion, 0).targets.at(-1)).toBe(meant)
    for (let second = 1; second * 1000 < GOOD_FOR_MS; second++)
      expect(cushion.sample(good(second), second * 1000)).toBe(meant)
    expect(cushion.changing).toBe(true)
    const shrunk = Array.from({ length: 10 }, (_, at) => cushion.sample(good(21 + at), GOOD_FOR_MS + at))
    expect(shrunk[0]).toBe(meant - STEP_MS)
    expect(shrunk.at(-1)).toBe(null)
  })

  it('grows with the first pictures step by step, each a little slower than the one before', () => {
    const cushion = new Cushion()
    cushion.begin(120, 0, 0)
    const { targets } = begun(cushion, 0)
    const steps = targets.map((target, at) => (target ?? 0) - (targets[at - 1] ?? FIRST_STEP_MS))
    expect(Math.max(...steps)).toBeCloseTo(FIRST_STEP_MS)
    expect(targets.length).toBeLessThan(10)
  })

  it('goes no step further than pictures follow that are shown at once', () => {
    const cushion = new Cushion()
    cushion.begin(120, 0, 0)
    expect(cushion.sample(good(0), 50)).toBe(FIRST_STEP_MS)
    for (let shown = 1; shown < 10; shown++)
      expect(cushion.sample({ ...good(0), shown, waited_s: shown * 0.015 }, 50 + shown * 50)).toBeCloseTo(
        FIRST_STEP_MS + 15,
      )
    const late = { ...good(0), shown: 10, waited_s: 9 * 0.015 + 0.8 }
    expect(cushion.sample(late, 600)).toBeCloseTo(2 * FIRST_STEP_MS + 15)
    expect(cushion.beginning).toBe(true)
  })

  it('is whole after a while, whatever is shown', () => {
    const cushion = new Cushion()
    cushion.begin(120, 0, 0)
    expect(cushion.sample(good(0), BEGINS_FOR_MS - 1)).toBe(FIRST_STEP_MS)
    expect(cushion.sample(good(0), BEGINS_FOR_MS)).toBe(120 + SECOND_TRY_MS)
    expect(cushion.beginning).toBe(false)
  })

  it('grows from there with losses, and is never longer than they ask for', () => {
    const cushion = new Cushion()
    cushion.begin(120, 0, 0)
    const { now } = begun(cushion, 0)
    expect(cushion.sample({ ...good(2), nacks: 5 }, now + 1)).toBe(120 + SECOND_TRY_MS + STEP_MS)
    const long = new Cushion()
    long.begin(4_000, 0, 0)
    expect(begun(long, 0).targets.at(-1)).toBe(CUSHION_MS)
  })

  it.each([
    [0, HELD_MS - 1, null],
    [0, 180, 180 + STEP_MS],
    [120, 180, 120 + SECOND_TRY_MS],
    [0, 4_000, CUSHION_MS],
  ])('is there for a host whose line loses, too (%d and %d ms)', (way_ms, held_ms, meant) => {
    const cushion = new Cushion()
    expect(cushion.begin(way_ms, held_ms, 0)).toBe(meant && FIRST_STEP_MS)
    expect(begun(cushion, 0).targets.at(-1) ?? null).toBe(meant)
  })

  it('comes from the mean of the checks on the pair that was checked most', () => {
    const pair = { type: 'candidate-pair', totalRoundTripTime: 0.3, responsesReceived: 2 }
    const used = { ...pair, totalRoundTripTime: 0.24, responsesReceived: 3 }
    const never = { type: 'candidate-pair', totalRoundTripTime: 0, responsesReceived: 0 }
    expect(checkedRoundTrip([pair, used, never])).toBeCloseTo(80)
    expect(checkedRoundTrip([never, { type: 'transport' }])).toBe(0)
  })
})

describe('the sample of the line', () => {
  it('is of the video', () => {
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
    expect(lineSample([{ type: 'inbound-rtp', kind: 'audio' }, video])).toEqual({
      packets: 3,
      nacks: 2,
      freezes: 1,
      jitter_s: 0.1,
      shown: 4,
      waited_s: 0.5,
    })
    expect(lineSample([])).toBe(null)
  })
})
