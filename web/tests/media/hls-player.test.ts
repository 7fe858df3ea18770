import { beforeEach, describe, expect, it } from 'vitest'
import {
  type EngineListener,
  type HlsPhase,
  HlsPlayer,
  STALLS_MAX,
  STALLS_WITHIN_MS,
  STALL_MS,
  START_TIMEOUT_MS,
} from '../../src/lib/media/hls-player'
import { VirtualTime } from '../support/virtual-time'

class FakeEngine {
  at: number | null = 0
  ended = false
  constructor(readonly listener: EngineListener) {}
  position = () => this.at
  end = () => void (this.ended = true)
}
let time: VirtualTime
let answer: () => Response
let asked: number[]
let supported: boolean
let engines: FakeEngine[]
let phases: HlsPhase[]
let thin: number
let player: HlsPlayer

const engine = () => engines.at(-1) as FakeEngine
const problem = (kind: string, retry_s = 0) =>
  new Response(JSON.stringify({ type: `urn:linli:problem:${kind}` }), {
    status: 409,
    headers: { 'Retry-After': String(retry_s) },
  })

beforeEach(() => {
  time = new VirtualTime()
  answer = () => new Response('#EXTM3U')
  asked = []
  supported = true
  engines = []
  phases = []
  thin = 0
  player = new HlsPlayer('/live/demo/hls/index.m3u8', {
    async fetch() {
      asked.push(time.now())
      return answer()
    },
    timers: time,
    random: () => 0,
    supported: () => supported,
    createEngine(_, listener) {
      engines.push(new FakeEngine(listener))
      return engine()
    },
    onPhase: (phase) => phases.push(phase),
    onThinLine: () => (thin += 1),
  })
})

async function play(): Promise<void> {
  player.start()
  await time.pass(10)
  engine().listener.onPlaying()
}
/** Let time pass in which the engine plays. */
async function playFor(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    engine().at = (engine().at ?? 0) + 1
    await time.pass(1_000)
  }
}

describe('HlsPlayer', () => {
  it('plays once the playlist can be had', async () => {
    await play()
    expect(phases).toEqual(['loading', 'playing'])
    await playFor(30)
    expect(engines.length).toBe(1)
  })

  it('waits for a live that has not begun as long as the server says', async () => {
    answer = () => problem('not-live', 2)
    player.start()
    await time.pass(1_900)
    expect(phases).toEqual(['loading', 'not_live'])
    answer = () => new Response('#EXTM3U')
    await time.pass(200)
    expect(asked.length).toBe(2)
    expect(engines.length).toBe(1)
  })

  it('names a live that HLS does not carry, and asks again', async () => {
    answer = () => problem('no-hls')
    player.start()
    await time.pass(20_000)
    expect(phases.slice(0, 2)).toEqual(['loading', 'no_hls'])
    expect(asked.length).toBe(2)
    expect(engines).toEqual([])
  })

  it('replaces an engine that failed, keeping the notice until frames come', async () => {
    await play()
    engine().listener.onFailed()
    expect(engines[0]?.ended).toBe(true)
    await time.pass(1_500)
    expect(engines.length).toBe(2)
    engine().listener.onPlaying()
    expect(phases).toEqual(['loading', 'playing', 'lost', 'playing'])
  })

  it('waits longer with each engine that fails without having played', async () => {
    await play()
    const waits: number[] = []
    for (let fault = 0; fault < 4; fault++) {
      const failed_ms = time.now()
      engine().listener.onFailed()
      while (engine().ended) await time.pass(100)
      waits.push(time.now() - failed_ms)
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000])
  })

  it('replaces an engine that does not go on, unless it was paused or the host is away', async () => {
    await play()
    await time.pass(STALL_MS + 2_000)
    expect(phases.at(2)).toBe('lost')
    await time.pass(2_000)
    engine().listener.onPlaying()
    engine().at = null
    await time.pass(2 * STALL_MS)
    expect(phases.at(-1)).toBe('playing')
    engine().at = 5
    player.hold(true)
    await time.pass(2 * STALL_MS)
    expect(phases.at(-1)).toBe('playing')
    player.hold(false)
    await time.pass(STALL_MS + 2_000)
    expect(phases.slice(3)).toContain('lost')
  })

  it('replaces an engine that does not begin', async () => {
    player.start()
    await time.pass(START_TIMEOUT_MS + 1_000)
    expect(phases).toEqual(['loading', 'lost'])
  })

  it('ends its engine when stopped, and does not hear of it any more', async () => {
    await play()
    player.stop()
    expect(engine().ended).toBe(true)
    engine().listener.onFailed()
    await time.pass(60_000)
    expect(phases.at(-1)).toBe('stopped')
    player.start()
    await time.pass(10)
    expect(engines.length).toBe(2)
  })

  it('says that a line is too thin when it stalls again and again, not now and then', async () => {
    await play()
    for (let stall = 0; stall < 3 * STALLS_MAX; stall++) {
      engine().listener.onStall()
      await playFor(STALLS_WITHIN_MS / 1_000 / (STALLS_MAX - 1) + 1)
    }
    expect(thin).toBe(0)
    await playFor(STALLS_WITHIN_MS / 1_000)
    for (let stall = 0; stall < STALLS_MAX; stall++) {
      expect(thin).toBe(0)
      await playFor(5)
      engine().listener.onStall()
    }
    expect(thin).toBe(1)
  })

  it('tries nothing where the browser has no HLS', async () => {
    supported = false
    player.start()
    await time.pass(60_000)
    expect(phases).toEqual(['unsupported'])
    expect(asked).toEqual([])
  })
})
