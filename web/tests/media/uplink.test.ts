import { describe, expect, it } from 'vitest'
import {
  AGREEING_SAMPLES,
  VerdictFilter,
  type Uplink,
  sentOf,
  uplinkOf,
  verdictOf,
} from '../../src/lib/media/uplink'

const size = (id: string, bytes: number, packets: number, more: object = {}) => ({
  id,
  type: 'outbound-rtp',
  kind: 'video',
  bytesSent: bytes,
  packetsSent: packets,
  ...more,
})
const report = (localId: string, fractionLost: number) => ({
  type: 'remote-inbound-rtp',
  localId,
  fractionLost,
})
const fine: Uplink = { bitrate: 1_400_000, rtt_ms: 20, frame_rate: 30, lost: 0.001, limited: false }

describe('uplinkOf', () => {
  it('sums all layers, and takes the frame rate of the largest active one', () => {
    const before = sentOf([size('l', 0, 0), size('m', 0, 0), size('h', 0, 0)], 1_000)
    const stats = [
      size('l', 10_000, 20, { framesPerSecond: 15, frameWidth: 320, frameHeight: 180 }),
      size('m', 90_000, 80, { framesPerSecond: 29.7, frameWidth: 640, frameHeight: 360 }),
      size('h', 0, 0, { frameWidth: 1280, frameHeight: 720, qualityLimitationReason: 'bandwidth' }),
      report('l', 0.5),
      report('m', 0),
      { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.0423 },
    ]
    expect(uplinkOf(stats, before, sentOf(stats, 2_000))).toEqual({
      bitrate: 800_000,
      rtt_ms: 42,
      frame_rate: 30,
      lost: 0.1,
      limited: true,
    })
  })

  it('copes with missing statistics', () => {
    const stats = [size('o', 1_000, 1)]
    const sent = sentOf(stats, 1_000)
    expect(uplinkOf(stats, sent, sent)).toBeNull()
    expect(uplinkOf(stats, sent, sentOf(stats, 2_000))).toEqual({
      bitrate: 0,
      rtt_ms: null,
      frame_rate: null,
      lost: null,
      limited: false,
    })
  })

  it('leaves out an inactive layer', () => {
    const off = size('h', 0, 0, { active: false, qualityLimitationReason: 'bandwidth' })
    const sent = sentOf([off], 0)
    expect(uplinkOf([off], sent, sentOf([off], 1_000))?.limited).toBe(false)
  })
})

describe('the verdict', () => {
  it.each([
    [fine, 'good'],
    [{ ...fine, lost: 0.06 }, 'weak'],
    [{ ...fine, limited: true }, 'weak'],
    [{ ...fine, lost: 0.2 }, 'very_weak'],
    [{ ...fine, limited: true, bitrate: 100_000 }, 'very_weak'],
    [{ ...fine, bitrate: 100_000, lost: null }, 'good'],
  ] as const)('of %j is %s', (uplink, verdict) => {
    expect(verdictOf(uplink)).toBe(verdict)
  })

  it('changes only after samples agree', () => {
    const filter = new VerdictFilter()
    const weak = { ...fine, limited: true }
    const many = (one: Uplink) => Array.from({ length: AGREEING_SAMPLES }, () => one)
    const verdicts = [weak, weak, ...many(fine)].map((one) => filter.sample(one))
    expect(verdicts.slice(0, -1).every((verdict) => verdict === null)).toBe(true)
    expect(verdicts.at(-1)).toBe('good')
    const then = [weak, weak, fine, ...many(weak)].map((one) => filter.sample(one))
    expect(then.slice(0, -1).every((verdict) => verdict === 'good')).toBe(true)
    expect(then.at(-1)).toBe('weak')
  })
})
