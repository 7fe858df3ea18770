import { beforeEach, describe, expect, it } from 'vitest'
import { EventSchedule, HELD_MAX_MS, NO_FRAME_MS } from '../../src/lib/room/event-schedule'
import { isDue, mediaTime } from '../../src/lib/media/program-time'
import { VirtualTime } from '../support/virtual-time'

const FRAME_MS = 40

/** A player that shows frames `latency_ms` after they happened; the clock begins at 0. */
class FakePlayer {
  plays = true
  /** It would play if there were something. */
  stalls = false
  known = true
  constructor(
    private readonly time: VirtualTime,
    readonly latency_ms: number,
  ) {}

  nextFrame = (onFrame: (media_time: number | null) => void): void => {
    const next_ms = FRAME_MS - (this.time.now() % FRAME_MS)
    this.time.after(next_ms, () => {
      if (this.plays) onFrame(this.known ? mediaTime(this.time.now() - this.latency_ms) : null)
      else this.nextFrame(onFrame)
    })
  }
}

let time: VirtualTime
let player: FakePlayer
let schedule: EventSchedule<string>
let shown: [string, number][]

function begin(latency_ms: number): void {
  time = new VirtualTime()
  shown = []
  player = new FakePlayer(time, latency_ms)
  schedule = new EventSchedule<string>({
    timers: time,
    release: (item) => shown.push([item, time.now()]),
    nextFrame: player.nextFrame,
    expectsFrames: () => player.stalls,
    isDue,
  })
}
const happens = (item: string) => schedule.push(item, mediaTime(time.now()))
beforeEach(() => begin(1_300))

describe('EventSchedule', () => {
  it.each([80, 1_300, 3_000])(
    'shows an event within 150 ms of its frame at %d ms of latency',
    async (latency_ms) => {
      begin(latency_ms)
      for (let event = 0; event < 20; event++) {
        await time.pass(333)
        happens(String(time.now()))
      }
      await time.pass(latency_ms + FRAME_MS)
      expect(shown.length).toBe(20)
      for (const [happened, at_ms] of shown) {
        const late_ms = at_ms - (Number(happened) + latency_ms)
        expect(Math.abs(late_ms)).toBeLessThanOrEqual(FRAME_MS)
      }
    },
  )

  it('keeps the order, also of what has no media time', async () => {
    happens('pin')
    happens('group')
    schedule.push('live', null)
    happens('stock')
    expect(shown.map(([item]) => item)).toEqual(['pin', 'group', 'live'])
    await time.pass(1_500)
    expect(shown.map(([item]) => item)).toEqual(['pin', 'group', 'live', 'stock'])
  })

  it('holds nothing while no frames come', async () => {
    happens('pin')
    await time.pass(100)
    player.plays = false
    await time.pass(NO_FRAME_MS + FRAME_MS)
    expect(shown.length).toBe(1)
  })

  it('waits for a video that stalls', async () => {
    player.stalls = true
    happens('pin')
    player.plays = false
    await time.pass(5_000)
    expect(shown).toEqual([])
    player.plays = true
    await time.pass(2 * FRAME_MS)
    expect(shown.length).toBe(1)
    player.plays = false
    happens('group')
    await time.pass(HELD_MAX_MS + 2 * NO_FRAME_MS)
    expect(shown.length).toBe(2)
  })

  it('holds nothing where the browser does not say which frame it shows', async () => {
    player.known = false
    happens('pin')
    await time.pass(FRAME_MS)
    expect(shown.length).toBe(1)
  })

  it('holds nothing for longer than the slowest road', async () => {
    await time.pass(FRAME_MS)
    schedule.push('late', mediaTime(time.now() + 25_000))
    await time.pass(HELD_MAX_MS - FRAME_MS)
    expect(shown).toEqual([])
    await time.pass(3 * FRAME_MS)
    expect(shown.length).toBe(1)
  })

  it('forgets what a snapshot has', async () => {
    happens('pin')
    schedule.clear()
    await time.pass(60_000)
    expect(shown).toEqual([])
    happens('group')
    await time.pass(1_400)
    expect(shown.map(([item]) => item)).toEqual(['group'])
  })
})
