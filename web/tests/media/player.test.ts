import { beforeEach, describe, expect, it } from 'vitest'
import {
  STARTUP_MAX_MS,
  PLAYOUT_DELAY_MAX_MS,
  STARTUP_STEP_MS,
  STABLE_MS,
  SECOND_NACK_MS,
  STEP_MS,
} from '../../src/lib/media/playout-delay'
import { FIRST_FRAME_TIMEOUT_MS, FREEZE_MS } from '../../src/lib/media/freeze'
import {
  Player,
  type PlayerPhase,
  RECEIVE_TIMEOUT_MS,
  DIRECT_TIMEOUT_MS,
  PROBE_LIMITS,
  TRANSPORT_TIMEOUT_MS,
} from '../../src/lib/media/player'
import { RESTART_TIMEOUT_MS } from '../../src/lib/media/ice-restart'
import { FakePeer, restartAnswer, sessionOf } from '../support/fake-peer'
import { VirtualTime } from '../support/virtual-time'

interface Asked {
  method: string
  url: string
  keepalive: boolean
}
let time: VirtualTime
let peers: FakePeer[]
let relays: RTCIceServer[][]
let asked: Asked[]
let answer: () => Response
let restart: () => Response
let phases: PlayerPhase[]
let player: Player

const created = () =>
  new Response(sessionOf('server'), { status: 201, headers: { Location: '/live/demo/whep/s1' } })
const problem = (status: number, retry_s = 0) =>
  new Response('{}', { status, headers: retry_s ? { 'Retry-After': String(retry_s) } : {} })
const posts = () => asked.filter((one) => one.method === 'POST').length
const peer = () => peers.at(-1) as FakePeer

beforeEach(() => {
  time = new VirtualTime()
  peers = []
  relays = []
  asked = []
  answer = created
  restart = restartAnswer
  phases = []
  player = new Player('/live/demo/whep', {
    async fetch(url, init) {
      asked.push({ method: init?.method ?? 'GET', url, keepalive: init?.keepalive ?? false })
      if (init?.method === 'PATCH') return restart()
      return init?.method === 'POST' ? answer() : new Response(null, { status: 200 })
    },
    timers: time,
    random: () => 0.5,
    createPeer(ice_servers) {
      relays.push(ice_servers)
      peers.push(new FakePeer(() => time.now()))
      return peer() as unknown as RTCPeerConnection
    },
    token: () => null,
    onPhase: (phase) => phases.push(phase),
    onTrack: () => undefined,
  })
})

/** Start, connect, and show frames. */
async function play(): Promise<void> {
  player.start()
  await time.pass(10)
  peer().become('connected')
  peer().frames_per_second = 25
  await time.pass(2_000)
}

describe('Player', () => {
  it('offers recvonly video and audio, and plays with the first frame', async () => {
    await play()
    expect(peer().offered).toEqual(['video:recvonly', 'audio:recvonly'])
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('raises the playout delay on a lossy link only', async () => {
    await play()
    peer().packets_per_second = 200
    await time.pass(3_000)
    const targets = () => peer().receivers.map((receiver) => receiver.jitterBufferTarget)
    expect(targets()).toEqual([null])
    peer().nacks = 8
    await time.pass(3_000)
    expect(targets()).toEqual([PLAYOUT_DELAY_MAX_MS])
    await time.pass(STABLE_MS + 3_000)
    expect(targets()).toEqual([null])
  })

  it('raises the playout delay from the first frame at a high RTT', async () => {
    player.start()
    await time.pass(10)
    peer().round_trip_s = 0.12
    peer().become('connected')
    await time.pass(10)
    expect(phases).toEqual(['connecting'])
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(STARTUP_STEP_MS)
    await time.pass(STARTUP_MAX_MS)
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(120 + SECOND_NACK_MS)
  })

  it('takes the RTT from the handshake when it is higher than that of the checks', async () => {
    player.start()
    await time.pass(10)
    peer().round_trip_s = 0.01
    peer().connectIce()
    await time.pass(160)
    peer().become('connected')
    await time.pass(10 + STARTUP_MAX_MS)
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(80 + SECOND_NACK_MS)
  })

  it('covers the delay of a lossy host link that the server reports', async () => {
    answer = () =>
      new Response(sessionOf('server'), {
        status: 201,
        headers: { Location: '/live/demo/whep/s1', 'Server-Timing': 'cache, held;dur=140' },
      })
    await play()
    await time.pass(STARTUP_MAX_MS)
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(140 + STEP_MS)
  })

  it('deletes its session when the page unloads', async () => {
    await play()
    player.stop()
    await time.pass(0)
    expect(asked.at(-1)).toEqual({ method: 'DELETE', url: '/live/demo/whep/s1', keepalive: true })
    await time.pass(60_000)
    expect(posts()).toBe(1)
  })
})

describe('a network without a direct path', () => {
  const turn =
    '<turn:t.example:3478>; rel="ice-server"; username="9:linli"; credential="x="; credential-type="password"'
  const withRelay = () =>
    new Response(sessionOf('server'), {
      status: 201,
      headers: { Location: '/live/demo/whep/s1', Link: turn },
    })

  it('is left through a TURN relay once the direct path has failed', async () => {
    answer = withRelay
    player.start()
    await time.pass(DIRECT_TIMEOUT_MS + 10)
    expect(relays).toEqual([[], [{ urls: 'turn:t.example:3478', username: '9:linli', credential: 'x=' }]])
    peer().become('connected')
    peer().frames_per_second = 25
    await time.pass(2_000)
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('is reported as blocked only after relays have failed too', async () => {
    answer = withRelay
    player.start()
    await time.pass(DIRECT_TIMEOUT_MS + TRANSPORT_TIMEOUT_MS + 1_000)
    expect(phases).not.toContain('blocked')
    await time.pass(60_000)
    expect(phases).toContain('blocked')
  })
})

describe('a live that has not begun', () => {
  it('is asked for again after Retry-After', async () => {
    answer = () => problem(409, 5)
    player.start()
    await time.pass(4_900)
    expect(phases.at(-1)).toBe('not_live')
    expect(posts()).toBe(1)
    await time.pass(2_000)
    expect(posts()).toBe(2)
  })

  it('is asked for at once when the room goes live', async () => {
    answer = () => problem(409, 60)
    player.start()
    await time.pass(100)
    answer = created
    player.retryNow()
    await time.pass(10)
    expect(posts()).toBe(2)
  })
})

describe('a live that begins while the refusal is in flight', () => {
  it('is asked for again at once', async () => {
    answer = () => {
      player.retryNow()
      answer = created
      return problem(409, 60)
    }
    player.start()
    await time.pass(10)
    expect(posts()).toBe(2)
    expect(phases).not.toContain('not_live')
  })
})

describe('frozen video', () => {
  it('gets a new session after the freeze timeout', async () => {
    await play()
    peer().packets_per_second = 100
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS + 2_500)
    expect(peers).toHaveLength(2)
    expect(phases).toContain('lost')
  })

  it('without packets gets an ICE restart first', async () => {
    await play()
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS + 1_000)
    expect(peer().restarts).toBe(1)
    peer().frames_per_second = 25
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('without packets gets a new session when the ICE restart fails', async () => {
    await play()
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS + RESTART_TIMEOUT_MS + 1_000)
    expect(peer().restarts).toBe(0)
    expect(peers).toHaveLength(2)
  })

  it('gets a new session even if every ICE restart connects', async () => {
    await play()
    const first = peer()
    restart = () => {
      void Promise.resolve().then(() => first.become('connected'))
      return restartAnswer()
    }
    first.frames_per_second = 0
    await time.pass(FREEZE_MS + RESTART_TIMEOUT_MS + 1_500)
    expect(peers).toHaveLength(2)
    expect(first.restarts).toBe(1)
  })

  it('without any RTCP gets an ICE restart sooner', async () => {
    await play()
    peer().received_per_second = 50
    await time.pass(3_000)
    peer().received_per_second = peer().frames_per_second = 0
    await time.pass(RECEIVE_TIMEOUT_MS + 1_500)
    expect(peer().restarts).toBe(1)
    peer().received_per_second = 50
    peer().frames_per_second = 25
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('gets a new timeout when packets resume', async () => {
    await play()
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS - 1_000)
    peer().packets_per_second = 100
    await time.pass(FREEZE_MS - 1_500)
    expect(peers).toHaveLength(1)
    peer().frames_per_second = 25
    await time.pass(10_000)
    expect(peers).toHaveLength(1)
    expect(peer().restarts).toBe(0)
  })

  it('gets an ICE restart while the host is away if no RTCP arrives', async () => {
    await play()
    player.hold(true)
    peer().frames_per_second = 0
    peer().received_per_second = 2
    await time.pass(10_000)
    expect(peer().restarts).toBe(0)
    peer().received_per_second = 0
    await time.pass(RECEIVE_TIMEOUT_MS + 1_500)
    expect(peer().restarts).toBe(1)
    peer().received_per_second = 2
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
  })

  it('keeps its session while the host is away', async () => {
    await play()
    player.hold(true)
    peer().frames_per_second = 0
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    player.hold(false)
    await time.pass(FREEZE_MS - 1_000)
    expect(peers).toHaveLength(1)
  })

  it('that never decodes a frame is reported as unsupported', async () => {
    player.start()
    await time.pass(10)
    peer().become('connected')
    peer().packets_per_second = 150
    await time.pass(FIRST_FRAME_TIMEOUT_MS + 2_000)
    expect(phases.at(-1)).toBe('unsupported')
  })
})

describe('a network that blocks WebRTC', () => {
  it('is reported after the second failed transport, and retried', async () => {
    player.start()
    await time.pass(TRANSPORT_TIMEOUT_MS + 2_000)
    expect(phases).toContain('lost')
    await time.pass(TRANSPORT_TIMEOUT_MS + 100)
    expect(phases.at(-1)).toBe('blocked')
    await time.pass(60_000)
    expect(posts()).toBeGreaterThan(3)
  })
})

describe('a broken transport', () => {
  it('may recover by itself', async () => {
    await play()
    peer().become('disconnected')
    await time.pass(1_000)
    peer().become('connected')
    await time.pass(10_000)
    expect(peers).toHaveLength(1)
  })

  it('is replaced at once after close_notify', async () => {
    await play()
    peer().closeTransport()
    await time.pass(1_000)
    expect(peers).toHaveLength(2)
  })

  it('gets an ICE restart at once', async () => {
    await play()
    peer().become('disconnected')
    await time.pass(10)
    expect(asked.at(-1)).toMatchObject({ method: 'PATCH', url: '/live/demo/whep/s1' })
    await time.pass(2_000)
    peer().become('connected')
    await time.pass(20_000)
    expect(peers).toHaveLength(1)
  })

  it('is replaced at once when the server refuses the ICE restart', async () => {
    await play()
    restart = () => problem(422)
    peer().become('disconnected')
    await time.pass(1_500)
    expect(peers).toHaveLength(2)
  })

  it('that works is kept when the restart for a new network fails', async () => {
    await play()
    restart = () => problem(422)
    player.networkChanged()
    await time.pass(20_000)
    expect(peers).toHaveLength(1)
  })

  it('is replaced when it does not recover', async () => {
    await play()
    peer().become('disconnected')
    await time.pass(6_000)
    expect(peers).toHaveLength(2)
    expect(peers[0]?.closed).toBe(true)
  })
})

describe('an offer the server cannot use', () => {
  it('is reported as unsupported', async () => {
    answer = () => problem(422)
    player.start()
    await time.pass(10)
    expect(phases.at(-1)).toBe('unsupported')
  })
})

describe('Player beside another road', () => {
  it('says that the live cannot be had by WebRTC, and asks again', async () => {
    const kind = JSON.stringify({ type: 'urn:linli:problem:no-webrtc' })
    answer = () => new Response(kind, { status: 409 })
    player.start()
    await time.pass(1_000)
    expect(phases).toEqual(['connecting', 'no_webrtc'])
    answer = created
    await time.pass(20_000)
    expect(posts()).toBe(2)
  })

  it('probes seldom, but at once on another network', async () => {
    player.probe(true)
    player.start()
    await time.pass(10)
    peer().become('failed')
    await time.pass(20_000)
    expect(posts()).toBe(1)
    await time.pass(PROBE_LIMITS.first_ms)
    expect(posts()).toBe(2)
    peer().become('failed')
    player.networkChanged()
    await time.pass(10)
    expect(posts()).toBe(3)
    peer().become('failed')
    player.probe(false)
    await time.pass(2 * PROBE_LIMITS.max_ms)
    expect(posts()).toBeGreaterThan(10)
  })
})
