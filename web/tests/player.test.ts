import { beforeEach, describe, expect, it } from 'vitest'
import {
  BEGINS_FOR_MS,
  CUSHION_MS,
  FIRST_STEP_MS,
  GOOD_FOR_MS,
  SECOND_TRY_MS,
  STEP_MS,
} from '../src/lib/media/playout-delay'
import { FIRST_FRAME_MS, FREEZE_MS } from '../src/lib/media/freeze'
import {
  Player,
  type PlayerPhase,
  SILENT_MS,
  STRAIGHT_TIMEOUT_MS,
  TRANSPORT_TIMEOUT_MS,
} from '../src/lib/media/player'
import { RESTART_PATIENCE_MS } from '../src/lib/media/ice-restart'
import { FakePeer, restartAnswer, sessionOf } from './fake-peer'
import { VirtualTime } from './virtual-time'

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

describe('watching', () => {
  it('offers to receive both kinds, and plays with the first frame', async () => {
    await play()
    expect(peer().offered).toEqual(['video:recvonly', 'audio:recvonly'])
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('gives repairs time on a line that loses, and only there', async () => {
    await play()
    peer().packets_per_second = 200
    await time.pass(3_000)
    const targets = () => peer().receivers.map((receiver) => receiver.jitterBufferTarget)
    expect(targets()).toEqual([null])
    peer().nacks = 8
    await time.pass(3_000)
    expect(targets()).toEqual([CUSHION_MS])
    await time.pass(GOOD_FOR_MS + 3_000)
    expect(targets()).toEqual([null])
  })

  it('gives repairs time from the first picture on where the way is long', async () => {
    player.start()
    await time.pass(10)
    peer().round_trip_s = 0.12
    peer().become('connected')
    await time.pass(10)
    expect(phases).toEqual(['connecting'])
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(FIRST_STEP_MS)
    await time.pass(BEGINS_FOR_MS)
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(120 + SECOND_TRY_MS)
  })

  it('takes the way for long when the handshake took long, though a check was quick', async () => {
    player.start()
    await time.pass(10)
    peer().round_trip_s = 0.01
    peer().findWay()
    await time.pass(160)
    peer().become('connected')
    await time.pass(10 + BEGINS_FOR_MS)
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(80 + SECOND_TRY_MS)
  })

  it('gives repairs of the host time when the server says that its line loses', async () => {
    answer = () =>
      new Response(sessionOf('server'), {
        status: 201,
        headers: { Location: '/live/demo/whep/s1', 'Server-Timing': 'cache, held;dur=140' },
      })
    await play()
    await time.pass(BEGINS_FOR_MS)
    expect(peer().receivers[0]?.jitterBufferTarget).toBe(140 + STEP_MS)
  })

  it('ends its session when the page goes away', async () => {
    await play()
    player.stop()
    await time.pass(0)
    expect(asked.at(-1)).toEqual({ method: 'DELETE', url: '/live/demo/whep/s1', keepalive: true })
    await time.pass(60_000)
    expect(posts()).toBe(1)
  })
})

describe('a closed network', () => {
  const turn =
    '<turn:t.example:3478>; rel="ice-server"; username="9:linli"; credential="x="; credential-type="password"'
  const withRelay = () =>
    new Response(sessionOf('server'), {
      status: 201,
      headers: { Location: '/live/demo/whep/s1', Link: turn },
    })

  it('is left through a relay as soon as the straight way has failed', async () => {
    answer = withRelay
    player.start()
    await time.pass(STRAIGHT_TIMEOUT_MS + 10)
    expect(relays).toEqual([[], [{ urls: 'turn:t.example:3478', username: '9:linli', credential: 'x=' }]])
    peer().become('connected')
    peer().frames_per_second = 25
    await time.pass(2_000)
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('is called blocked only after relays have failed, too', async () => {
    answer = withRelay
    player.start()
    await time.pass(STRAIGHT_TIMEOUT_MS + TRANSPORT_TIMEOUT_MS + 1_000)
    expect(phases).not.toContain('blocked')
    await time.pass(60_000)
    expect(phases).toContain('blocked')
  })
})

describe('a live that has not begun', () => {
  it('is asked for again when the server says', async () => {
    answer = () => problem(409, 5)
    player.start()
    await time.pass(4_900)
    expect(phases.at(-1)).toBe('not_live')
    expect(posts()).toBe(1)
    await time.pass(2_000)
    expect(posts()).toBe(2)
  })

  it('is asked for at once when the room says it has begun', async () => {
    answer = () => problem(409, 60)
    player.start()
    await time.pass(100)
    answer = created
    player.poke()
    await time.pass(10)
    expect(posts()).toBe(2)
  })
})

describe('a live that begins while its absence is being answered', () => {
  it('is asked for once more at once', async () => {
    answer = () => {
      player.poke()
      answer = created
      return problem(409, 60)
    }
    player.start()
    await time.pass(10)
    expect(posts()).toBe(2)
    expect(phases).not.toContain('not_live')
  })
})

describe('a picture that stands still', () => {
  it('gets a new session after some seconds', async () => {
    await play()
    peer().packets_per_second = 100
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS + 2_500)
    expect(peers).toHaveLength(2)
    expect(phases).toContain('lost')
  })

  it('because nothing arrives gets a restart of ICE first', async () => {
    await play()
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS + 1_000)
    expect(peer().restarts).toBe(1)
    peer().frames_per_second = 25
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('because nothing arrives gets a new session when that does not help', async () => {
    await play()
    peer().frames_per_second = 0
    await time.pass(FREEZE_MS + RESTART_PATIENCE_MS + 1_000)
    expect(peer().restarts).toBe(0)
    expect(peers).toHaveLength(2)
  })

  it('gets one even if every restart seems to help', async () => {
    await play()
    const first = peer()
    restart = () => {
      void Promise.resolve().then(() => first.become('connected'))
      return restartAnswer()
    }
    first.frames_per_second = 0
    await time.pass(FREEZE_MS + RESTART_PATIENCE_MS + 1_500)
    expect(peers).toHaveLength(2)
    expect(first.restarts).toBe(1)
  })

  it('because nothing at all arrives gets a restart of ICE sooner', async () => {
    await play()
    peer().received_per_second = 50
    await time.pass(3_000)
    peer().received_per_second = peer().frames_per_second = 0
    await time.pass(SILENT_MS + 1_500)
    expect(peer().restarts).toBe(1)
    peer().received_per_second = 50
    peer().frames_per_second = 25
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    expect(phases).toEqual(['connecting', 'playing'])
  })

  it('is given time again when packets come again after none did', async () => {
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

  it('while the host is away shows by what comes whether the way is well', async () => {
    await play()
    player.hold(true)
    peer().frames_per_second = 0
    peer().received_per_second = 2
    await time.pass(10_000)
    expect(peer().restarts).toBe(0)
    peer().received_per_second = 0
    await time.pass(SILENT_MS + 1_500)
    expect(peer().restarts).toBe(1)
    peer().received_per_second = 2
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
  })

  it('is left alone while the host is away', async () => {
    await play()
    player.hold(true)
    peer().frames_per_second = 0
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    player.hold(false)
    await time.pass(FREEZE_MS - 1_000)
    expect(peers).toHaveLength(1)
  })

  it('that never came although much arrives is a codec we lack', async () => {
    player.start()
    await time.pass(10)
    peer().become('connected')
    peer().packets_per_second = 150
    await time.pass(FIRST_FRAME_MS + 2_000)
    expect(phases.at(-1)).toBe('unsupported')
  })
})

describe('a network that blocks WebRTC', () => {
  it('is called that after the second transport that fails, and tried again all the same', async () => {
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
  it('may heal by itself', async () => {
    await play()
    peer().become('disconnected')
    await time.pass(1_000)
    peer().become('connected')
    await time.pass(10_000)
    expect(peers).toHaveLength(1)
  })

  it('is replaced at once when the other end has closed it', async () => {
    await play()
    peer().closeTransport()
    await time.pass(1_000)
    expect(peers).toHaveLength(2)
  })

  it('is restarted at once, in its session', async () => {
    await play()
    peer().become('disconnected')
    await time.pass(10)
    expect(asked.at(-1)).toMatchObject({ method: 'PATCH', url: '/live/demo/whep/s1' })
    await time.pass(2_000)
    peer().become('connected')
    await time.pass(20_000)
    expect(peers).toHaveLength(1)
  })

  it('is replaced at once when the server does not restart it', async () => {
    await play()
    restart = () => problem(422)
    peer().become('disconnected')
    await time.pass(1_500)
    expect(peers).toHaveLength(2)
  })

  it('that works is kept when another network cannot be moved to', async () => {
    await play()
    restart = () => problem(422)
    player.networkChanged()
    await time.pass(20_000)
    expect(peers).toHaveLength(1)
  })

  it('is replaced when it does not', async () => {
    await play()
    peer().become('disconnected')
    await time.pass(6_000)
    expect(peers).toHaveLength(2)
    expect(peers[0]?.closed).toBe(true)
  })
})

describe('an offer the server cannot use', () => {
  it('is said to be unsupported', async () => {
    answer = () => problem(422)
    player.start()
    await time.pass(10)
    expect(phases.at(-1)).toBe('unsupported')
  })
})
