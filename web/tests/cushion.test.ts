import { describe, expect, it } from 'vitest'
import {
  CUSHION_MS,
  Cushion,
  GOOD_FOR_MS,
  HELD_MS,
  LONG_WAY_MS,
  MISSED_WITHIN_MS,
  SECOND_TRY_MS,
  STEP_MS,
  checkedRoundTrip,
  lineSample,
} from '../src/lib/cushion'

const good = (seconds: number) => ({ packets: seconds * 200, nacks: 0, freezes: 0, jitter_s: 0.005 })

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
      told = cushion.sample({ packets: now / 25, nacks, freezes: 0, jitter_s: 0.005 }, now)
    }
    expect(told).toBe(then)
  })

  it('does not come with what was lost before it was first asked', () => {
    expect(new Cushion().sample({ ...good(1), nacks: 9, freezes: 2 }, 1000)).toBe(null)
  })
})

describe('the cushion of a long way', () => {
  it('is there from the beginning, and goes when nothing was lost', () => {
    const cushion = new Cushion()
    expect(cushion.begin(LONG_WAY_MS - 1, 0, 0)).toBe(null)
    const begun = cushion.begin(120, 0, 0)
    expect(begun).toBe(120 + SECOND_TRY_MS)
    for (let second = 1; second * 1000 < GOOD_FOR_MS; second++)
      expect(cushion.sample(good(second), second * 1000)).toBe(begun)
    expect(cushion.changing).toBe(true)
    const shrunk = Array.from({ length: 10 }, (_, at) => cushion.sample(good(21 + at), GOOD_FOR_MS + at))
    expect(shrunk[0]).toBe(120 + SECOND_TRY_MS - STEP_MS)
    expect(shrunk.at(-1)).toBe(null)
  })

  it('grows from there with losses, and is never longer than they ask for', () => {
    const cushion = new Cushion()
    cushion.begin(120, 0, 0)
    cushion.sample(good(1), 1000)
    expect(cushion.sample({ ...good(2), nacks: 5 }, 2000)).toBe(120 + SECOND_TRY_MS + STEP_MS)
    expect(new Cushion().begin(4_000, 0, 0)).toBe(CUSHION_MS)
  })

  it('is there for a host whose line loses, too', () => {
    expect(new Cushion().begin(0, HELD_MS - 1, 0)).toBe(null)
    expect(new Cushion().begin(0, 180, 0)).toBe(180 + STEP_MS)
    expect(new Cushion().begin(120, 180, 0)).toBe(120 + SECOND_TRY_MS)
    expect(new Cushion().begin(0, 4_000, 0)).toBe(CUSHION_MS)
    const cushion = new Cushion()
    cushion.begin(0, 180, 0)
    expect(cushion.sample(good(1), 1_000)).toBe(180 + STEP_MS)
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
    }
    expect(lineSample([{ type: 'inbound-rtp', kind: 'audio' }, video])).toEqual({
      packets: 3,
      nacks: 2,
      freezes: 1,
      jitter_s: 0.1,
    })
    expect(lineSample([])).toBe(null)
  })
})
