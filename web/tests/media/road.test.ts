import { beforeEach, describe, expect, it } from 'vitest'
import { HLS_AFTER_MS, PREPARE_HLS_MS, type Road, RoadSelector, stagePhase } from '../../src/lib/media/road'
import { VirtualTime } from '../support/virtual-time'

let time: VirtualTime
let taken: Road[]
let prepared: number[]
let roads: RoadSelector

beforeEach(() => {
  time = new VirtualTime()
  taken = []
  prepared = []
  roads = new RoadSelector({
    timers: time,
    prepareHls: () => prepared.push(time.now()),
    take: (road) => taken.push(road),
  })
})

describe('RoadSelector', () => {
  it('prepares HLS after 2 s and takes it after 4 s without a frame, counted through new attempts', async () => {
    roads.webrtc('connecting')
    await time.pass(1_500)
    roads.webrtc('lost')
    await time.pass(PREPARE_HLS_MS - 1_500)
    expect(prepared).toEqual([PREPARE_HLS_MS])
    roads.webrtc('connecting')
    await time.pass(HLS_AFTER_MS - PREPARE_HLS_MS - 1)
    expect(taken).toEqual([])
    await time.pass(1)
    expect(taken).toEqual(['hls'])
  })

  it('waits anew, once, when ICE has connected', async () => {
    roads.webrtc('connecting')
    await time.pass(PREPARE_HLS_MS - 1)
    roads.iceConnected()
    await time.pass(PREPARE_HLS_MS - 1)
    expect(prepared).toEqual([])
    roads.webrtc('lost')
    roads.webrtc('connecting')
    roads.iceConnected()
    await time.pass(1)
    expect(prepared).toHaveLength(1)
    await time.pass(HLS_AFTER_MS - PREPARE_HLS_MS)
    expect(taken).toEqual(['hls'])
  })

  it('stays with WebRTC that plays in time', async () => {
    roads.webrtc('connecting')
    await time.pass(HLS_AFTER_MS - 1)
    roads.webrtc('playing')
    await time.pass(60_000)
    expect(taken).toEqual([])
  })

  it.each(['blocked', 'unsupported', 'no_webrtc'] as const)(
    'takes HLS at once when WebRTC is %s',
    (phase) => {
      roads.webrtc('connecting')
      roads.webrtc(phase)
      expect(taken).toEqual(['hls'])
    },
  )

  it('returns with the first frame by WebRTC, and not before', async () => {
    roads.webrtc('blocked')
    roads.webrtc('connecting')
    roads.webrtc('lost')
    await time.pass(60_000)
    expect(taken).toEqual(['hls'])
    roads.webrtc('playing')
    expect(taken).toEqual(['hls', 'webrtc'])
  })

  it.each(['not_live', 'stopped'] as const)('plays by no road when the live is %s', async (phase) => {
    roads.webrtc('connecting')
    roads.webrtc(phase)
    await time.pass(60_000)
    expect(taken).toEqual([])
    roads.webrtc('blocked')
    roads.webrtc(phase)
    expect(taken).toEqual(['hls', 'webrtc'])
  })

  it('does not count the time in which the host is away', async () => {
    roads.webrtc('playing')
    roads.hold(true)
    roads.webrtc('lost')
    await time.pass(60_000)
    expect(taken).toEqual([])
    roads.hold(false)
    await time.pass(HLS_AFTER_MS)
    expect(taken).toEqual(['hls'])
  })
})

describe('stagePhase', () => {
  it('is that of the road that is taken', () => {
    expect(stagePhase('webrtc', 'lost', 'playing')).toBe('lost')
    expect(stagePhase('hls', 'lost', 'playing')).toBe('playing')
    expect(stagePhase('hls', 'blocked', 'loading')).toBe('connecting')
    expect(stagePhase('hls', 'no_webrtc', 'lost')).toBe('lost')
  })

  it('names what fails where the live has no HLS', () => {
    expect(stagePhase('hls', 'blocked', 'no_hls')).toBe('webrtc_only')
    expect(stagePhase('hls', 'unsupported', 'no_hls')).toBe('unsupported')
    expect(stagePhase('hls', 'connecting', 'no_hls')).toBe('connecting')
  })

  it('is that of WebRTC where the browser has no HLS', () => {
    expect(stagePhase('hls', 'blocked', 'unsupported')).toBe('blocked')
    expect(stagePhase('hls', 'no_webrtc', 'unsupported')).toBe('unsupported')
  })
})
