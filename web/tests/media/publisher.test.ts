import { beforeEach, describe, expect, it } from 'vitest'
import { preferCodecs, withStartBitrate } from '../../src/lib/media/negotiate'
import { Publisher, type PublisherPhase, RECEIVE_TIMEOUT_MS, endOf } from '../../src/lib/media/publisher'
import { RESTART_TIMEOUT_MS } from '../../src/lib/media/ice-restart'
import { ENCODINGS, VIDEO_BITRATE_MAX } from '../../src/lib/media/simulcast'
import type { Uplink } from '../../src/lib/media/uplink'
import type { LiveState } from '../../src/lib/base/wire'
import { FakePeer, restartAnswer, sessionOf } from '../support/fake-peer'
import { VirtualTime } from '../support/virtual-time'

const codec = (name: string, sdpFmtpLine = '') => ({
  mimeType: `video/${name}`,
  sdpFmtpLine,
  clockRate: 90000,
})
const CODECS = [
  codec('VP8'),
  codec('AV1'),
  codec('H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f'),
  codec('H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'),
]
const STREAM = { getTracks: () => [{ kind: 'video' }, { kind: 'audio' }] } as unknown as MediaStream

const created = (more: string[] = []) =>
  new Response(sessionOf('server', more), { status: 201, headers: { Location: '/live/demo/whip/s1' } })

let time: VirtualTime
let peers: FakePeer[]
let phases: PublisherPhase[]
let stats: Uplink[]
let posts: () => Response
let room: LiveState
let deleted: number
let patches: () => Response
let gets: () => Response
let asked: string[]
let publisher: Publisher
const peer = () => peers.at(-1) as FakePeer

beforeEach(async () => {
  time = new VirtualTime()
  peers = []
  phases = []
  stats = []
  room = 'paused'
  deleted = 0
  asked = []
  patches = restartAnswer
  gets = () => new Response(null, { status: 204 })
  posts = () => created()
  publisher = new Publisher('/live/demo/whip', {
    async fetch(url, init) {
      asked.push(`${init?.method} ${url}`)
      if (init?.method === 'PATCH') return patches()
      if (init?.method === 'POST') return posts()
      if (init?.method === 'GET') return gets()
      if (init?.method === 'DELETE') deleted += 1
      return new Response(null, { status: 200 })
    },
    timers: time,
    random: () => 0.5,
    createPeer() {
      peers.push(new FakePeer(() => time.now()))
      return peer() as unknown as RTCPeerConnection
    },
    token: () => 'token',
    roomState: async () => room,
    videoCodecs: () => CODECS,
    onPhase: (phase) => phases.push(phase),
    onUplink: (one) => stats.push(one),
  })
  publisher.start(STREAM)
  await time.pass(10)
})

async function onAir(): Promise<void> {
  peer().become('connected')
  await time.pass(5_000)
}

describe('Publisher', () => {
  it('prefers constrained baseline H.264, then VP8, and limits the bitrate', () => {
    expect(peer().offered).toEqual(['video:sendonly', 'audio:sendonly'])
    expect(preferCodecs(CODECS, ['H264', 'VP8']).map((one) => one.mimeType)).toEqual([
      'video/H264',
      'video/H264',
      'video/VP8',
      'video/AV1',
    ])
    expect(peer().preferred[0]).toBe(CODECS[3])
  })

  it('offers three layers, and sends full resolution where one is accepted', async () => {
    expect(peer().encodings).toEqual([
      expect.objectContaining({ maxBitrate: VIDEO_BITRATE_MAX, scaleResolutionDownBy: 1, maxFramerate: 30 }),
    ])
    posts = () => created(['a=simulcast:recv l;m;h'])
    await onAir()
    peer().become('failed')
    await time.pass(3_000)
    expect(peers).toHaveLength(2)
    expect(peer().encodings).toEqual(ENCODINGS)
  })

  it('sets the start bitrate', () => {
    const h264 =
      'v=0\r\nm=audio 9 X 111\r\na=fmtp:111 a=1\r\nm=video 9 UDP/TLS/RTP/SAVPF 108 109\r\na=fmtp:108 p=1\r\nm=application 9\r\n'
    expect(withStartBitrate(h264, 1000)).toBe(
      h264.replace('a=fmtp:108 p=1', 'a=fmtp:108 p=1;x-google-start-bitrate=1000'),
    )
    const vp8 = 'v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n'
    expect(withStartBitrate(vp8, 1000)).toBe(`${vp8}a=fmtp:96 x-google-start-bitrate=1000\r\n`)
    expect(withStartBitrate('v=0\r\n', 1000)).toBe('v=0\r\n')
  })

  it('reports uplink samples', async () => {
    await onAir()
    expect(phases.at(-1)).toBe('live')
    expect(stats.at(-1)).toEqual({
      bitrate: 1_000_000,
      rtt_ms: 20,
      frame_rate: 30,
      lost: null,
      limited: false,
    })
  })
})

describe('a transport without feedback', () => {
  it('gets an ICE restart, and keeps its session once feedback arrives', async () => {
    peer().received_per_second = 10
    await onAir()
    expect(peer().restarts).toBe(0)
    peer().received_per_second = 0
    await time.pass(RECEIVE_TIMEOUT_MS + 2_000)
    expect(peer().restarts).toBe(1)
    peer().received_per_second = 10
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    expect(phases).not.toContain('lost')
  })

  it('gets a new session when no feedback arrives after that', async () => {
    peer().received_per_second = 10
    await onAir()
    peer().received_per_second = 0
    await time.pass(RECEIVE_TIMEOUT_MS + RESTART_TIMEOUT_MS + 3_000)
    expect(peers).toHaveLength(2)
    expect(deleted).toBe(0)
  })
})

describe('a disconnected transport', () => {
  it('keeps its session after an ICE restart', async () => {
    await onAir()
    peer().become('disconnected')
    await time.pass(1_000)
    expect(asked.at(-1)).toBe('PATCH /live/demo/whip/s1')
    expect(peer().remoteDescription?.sdp).toContain('a=ice-ufrag:again')
    peer().become('connected')
    await time.pass(30_000)
    expect(peers).toHaveLength(1)
    expect(phases).toEqual(['connecting', 'live'])
  })

  it('gets a new session when the ICE restart times out', async () => {
    await onAir()
    peer().become('disconnected')
    await time.pass(RESTART_TIMEOUT_MS - 100)
    expect(phases.at(-1)).toBe('live')
    await time.pass(1_000)
    expect(peers).toHaveLength(2)
    expect(deleted).toBe(0)
  })

  it('gets a new session at once when the server answers 404', async () => {
    await onAir()
    patches = () => new Response('{}', { status: 404 })
    peer().become('disconnected')
    await time.pass(10)
    expect(phases.at(-1)).toBe('lost')
    await time.pass(1_000)
    expect(peers).toHaveLength(2)
  })
})

describe('another network', () => {
  it('gets an ICE restart at once', async () => {
    await onAir()
    publisher.networkChanged()
    await time.pass(10_000)
    expect(peer().restarts).toBe(1)
    expect(peers).toHaveLength(1)
    expect(phases.at(-1)).toBe('live')
  })

  it('ends the wait for the next attempt', async () => {
    await onAir()
    posts = () => new Response('{}', { status: 503, headers: { 'Retry-After': '60' } })
    peer().become('failed')
    await time.pass(3_000)
    posts = () => created()
    publisher.networkChanged()
    await time.pass(10)
    peer().become('connected')
    expect(phases.at(-1)).toBe('live')
  })
})

describe('another camera', () => {
  it('replaces the track in the same session', async () => {
    await onAir()
    const back = { kind: 'video' } as MediaStreamTrack
    await publisher.replace({ getTracks: () => [back] } as unknown as MediaStream)
    expect(peer().senders[0]?.track).toBe(back)
    await time.pass(1_000)
    expect(peers).toHaveLength(1)
    expect(asked.filter((one) => one.startsWith('POST'))).toHaveLength(1)
  })

  it('with a new microphone needs a new session', async () => {
    const deaf = { getTracks: () => [{ kind: 'video' }] } as unknown as MediaStream
    publisher.start(deaf)
    await time.pass(10)
    peer().become('connected')
    await publisher.replace(STREAM)
    await time.pass(10)
    expect(peer().offered).toEqual(['video:sendonly', 'audio:sendonly'])
  })
})

describe('a server that starts again', () => {
  it('gets the live back without a tap', async () => {
    await onAir()
    room = null as unknown as LiveState
    posts = () => {
      throw new TypeError('Failed to fetch')
    }
    peer().closeTransport()
    await time.pass(20_000)
    expect(phases.at(-1)).toBe('lost')
    posts = () => created()
    await time.pass(8_000)
    peer().become('connected')
    expect(phases.at(-1)).toBe('live')
  })
})

describe('a lost transport', () => {
  it('reconnects, and leaves the session open on the server', async () => {
    await onAir()
    peer().become('failed')
    await time.pass(3_000)
    expect(peers).toHaveLength(2)
    expect(deleted).toBe(0)
    peer().become('connected')
    await time.pass(10)
    expect(phases).toEqual(['connecting', 'live', 'lost', 'live'])
  })

  it.each([
    ['live', 'taken_over'],
    ['over', 'stopped'],
  ] as const)('that the server closed by itself while the room is %s ends as %s', async (state, phase) => {
    await onAir()
    room = state
    peer().closeTransport()
    await time.pass(30_000)
    expect(phases.at(-1)).toBe(phase)
    expect(peers).toHaveLength(1)
  })

  it.each(['failed', 'never connected'] as const)(
    'that is %s ends as taken_over where the server says so',
    async (state) => {
      gets = () =>
        new Response(JSON.stringify({ type: 'urn:linli:problem:taken-over' }), {
          status: 410,
          headers: { 'Content-Type': 'application/problem+json' },
        })
      if (state === 'failed') peer().become(state)
      await time.pass(30_000)
      expect(phases).toEqual(['connecting', 'lost', 'taken_over'])
      expect(peers).toHaveLength(1)
      expect(asked.at(-1)).toBe('GET /live/demo/whip/s1')
      // The host takes it back by a tap.
      publisher.start(STREAM)
      await onAir()
      expect(phases.at(-1)).toBe('live')
    },
  )

  it('reconnects where the server cannot be asked', async () => {
    gets = () => {
      throw new TypeError('Failed to fetch')
    }
    await time.pass(15_000)
    expect(peers).toHaveLength(2)
  })

  it('is lost when the room waits for us, or without close_notify', () => {
    expect(endOf(true, 'paused')).toBe('lost')
    expect(endOf(true, null)).toBe('lost')
    expect(endOf(false, 'live')).toBe('lost')
  })
})

describe('a refusal', () => {
  it('of the token is final', async () => {
    posts = () => new Response('{}', { status: 403 })
    await onAir()
    peer().become('failed')
    await time.pass(3_000)
    expect(phases.at(-1)).toBe('refused')
  })

  it('of a busy room is retried', async () => {
    posts = () => new Response('{}', { status: 409, headers: { 'Retry-After': '2' } })
    await onAir()
    peer().become('failed')
    await time.pass(3_000)
    posts = () => created()
    await time.pass(9_000)
    peer().become('connected')
    await time.pass(10)
    expect(phases.at(-1)).toBe('live')
  })
})

describe('the end', () => {
  it('deletes the session', async () => {
    await onAir()
    publisher.stop()
    await time.pass(10)
    expect(deleted).toBe(1)
  })
})
