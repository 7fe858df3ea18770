/** Sends camera and microphone over WHIP and keeps the live on air; knows when somebody else has taken it over. */
import { type Fetch, Refused, Unreachable } from './api'
import { Backoff } from './backoff'
import { type Exchange, endSession, negotiate, onTransportClosed, preferCodecs } from './negotiate'
import type { Timers } from './timers'
import type { LiveState } from './wire'

/** What a phone's uplink carries and 720p needs, bit/s. */
export const VIDEO_BITRATE_MAX = 1_500_000
export const FRAME_RATE_MAX = 30
/** What to begin with; the browser's own estimate follows within seconds, kbit/s. */
export const START_KBPS = 1_000
const TRANSPORT_TIMEOUT_MS = 10_000
/** A broken transport may heal by itself this long, ms. */
const DISCONNECTED_MS = 3_000
const SAMPLE_EVERY_MS = 2_000
const CODECS = ['H264', 'VP8']

export type PublisherPhase = 'idle' | 'connecting' | 'live' | 'lost' | 'taken_over' | 'refused' | 'stopped'

export interface UplinkStats {
  bitrate: number
  rtt_ms: number | null
  frame_rate: number | null
}

export interface PublisherWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  createPeer: (ice_servers: RTCIceServer[]) => RTCPeerConnection
  token: () => string | null
  /** What the room says of itself, null when it cannot be asked. */
  roomState: () => Promise<LiveState | null>
  videoCodecs: () => RTCRtpCodec[]
  onPhase: (phase: PublisherPhase, why: Refused | null) => void
  onStats: (stats: UplinkStats) => void
}

/**
 * What the end of our transport means. A server that closes it by itself has let another host in our place (the room is live
 * all the same) or the live was ended elsewhere; a network that broke or a server that fell over say no goodbye.
 */
export function meaningOf(goodbye: boolean, room: LiveState | null): 'taken_over' | 'stopped' | 'lost' {
  if (goodbye && room === 'live') return 'taken_over'
  return goodbye && room === 'over' ? 'stopped' : 'lost'
}

export class Publisher {
  #phase: PublisherPhase = 'idle'
  #peer: RTCPeerConnection | null = null
  #stream: MediaStream | null = null
  #session = ''
  #relays: RTCIceServer[] = []
  #attempt = 0
  #bytes: { sent: number; at_ms: number } | null = null
  #cancel: () => void = () => undefined
  #cancelSampling: () => void = () => undefined
  readonly #backoff: Backoff

  constructor(
    private readonly url: string,
    private readonly world: PublisherWorld,
  ) {
    this.#backoff = new Backoff(world.random, { first_ms: 500, max_ms: 8_000 })
  }

  get phase(): PublisherPhase {
    return this.#phase
  }

  start(stream: MediaStream): void {
    this.#stream = stream
    void this.#connect()
  }

  /** Send another camera or microphone without a new session. */
  async replace(stream: MediaStream): Promise<void> {
    this.#stream = stream
    for (const sender of this.#peer?.getSenders() ?? []) {
      const track = stream.getTracks().find((candidate) => candidate.kind === sender.track?.kind)
      if (track) await sender.replaceTrack(track)
    }
  }

  /** The network may be back: do not wait any longer. */
  poke(): void {
    if (this.#phase === 'lost') void this.#connect()
  }

  stop(): void {
    this.#close(true)
    this.#enter('stopped')
  }

  async #connect(): Promise<void> {
    this.#close(false)
    const attempt = this.#attempt
    const stream = this.#stream
    if (!stream) return
    if (this.#phase !== 'lost') this.#enter('connecting')
    try {
      const peer = this.world.createPeer(this.#relays)
      this.#peer = peer
      this.#listen(peer, attempt)
      for (const track of stream.getTracks()) this.#send(peer, track, stream)
      const session = await negotiate(peer, this.#exchange())
      if (attempt !== this.#attempt) return void endSession(session.url, this.#exchange())
      this.#session = session.url
      this.#relays = session.ice_servers
      this.#cancel = this.world.timers.after(TRANSPORT_TIMEOUT_MS, () => void this.#broken())
    } catch (error) {
      if (attempt === this.#attempt) this.#refused(error)
    }
  }

  #send(peer: RTCPeerConnection, track: MediaStreamTrack, stream: MediaStream): void {
    const video = track.kind === 'video'
    const transceiver = peer.addTransceiver(track, {
      direction: 'sendonly',
      streams: [stream],
      ...(video ? { sendEncodings: [{ maxBitrate: VIDEO_BITRATE_MAX, maxFramerate: FRAME_RATE_MAX }] } : {}),
    })
    if (video) transceiver.setCodecPreferences?.(preferCodecs(this.world.videoCodecs(), CODECS))
  }

  #refused(error: unknown): void {
    this.#close(false)
    const refused = error instanceof Refused ? error : null
    const wait = refused?.status === 409 || refused?.status === 429 || (refused?.status ?? 500) >= 500
    if (error instanceof Unreachable || wait) this.#retry(refused?.retry_after_ms ?? 0)
    else this.#enter('refused', refused)
  }

  #listen(peer: RTCPeerConnection, attempt: number): void {
    peer.onconnectionstatechange = () => {
      if (attempt !== this.#attempt) return
      if (peer.connectionState === 'connected') this.#connected(peer, attempt)
      else if (peer.connectionState === 'disconnected')
        this.#cancel = this.world.timers.after(DISCONNECTED_MS, () => void this.#broken())
      else if (peer.connectionState === 'failed' || peer.connectionState === 'closed') void this.#broken()
    }
  }

  #connected(peer: RTCPeerConnection, attempt: number): void {
    this.#cancel()
    this.#backoff.reset()
    this.#enter('live')
    onTransportClosed(peer, () => {
      if (attempt === this.#attempt) void this.#broken(true)
    })
    this.#cancelSampling()
    const sample = async () => {
      const report = await peer.getStats()
      if (attempt !== this.#attempt) return
      this.#measure([...report.values()] as Record<string, unknown>[])
      this.#cancelSampling = this.world.timers.after(SAMPLE_EVERY_MS, () => void sample())
    }
    void sample()
  }

  #measure(stats: Record<string, unknown>[]): void {
    const outbound = stats.filter((entry) => entry.type === 'outbound-rtp')
    const video = outbound.find((entry) => entry.kind === 'video')
    const sent = outbound.reduce((sum, entry) => sum + Number(entry.bytesSent ?? 0), 0)
    const pair = stats.find((entry) => entry.type === 'candidate-pair' && entry.nominated === true)
    const rtt = Number(pair?.currentRoundTripTime)
    const at_ms = this.world.timers.now()
    const before = this.#bytes
    this.#bytes = { sent, at_ms }
    if (!before || at_ms <= before.at_ms) return
    this.world.onStats({
      bitrate: Math.max(0, ((sent - before.sent) * 8000) / (at_ms - before.at_ms)),
      rtt_ms: Number.isFinite(rtt) ? Math.round(rtt * 1000) : null,
      frame_rate: typeof video?.framesPerSecond === 'number' ? Math.round(video.framesPerSecond) : null,
    })
  }

  /** The transport is gone. Come back by ourselves, unless another host is on air in our place. */
  async #broken(goodbye = false): Promise<void> {
    this.#close(false)
    const attempt = this.#attempt
    this.#enter('lost')
    const room = goodbye ? await this.world.roomState() : null
    if (attempt !== this.#attempt) return
    const meaning = meaningOf(goodbye, room)
    if (meaning === 'lost') this.#retry(0)
    else this.#enter(meaning)
  }

  #retry(atLeast_ms: number): void {
    this.#enter('lost')
    this.#cancel = this.world.timers.after(this.#backoff.next(atLeast_ms), () => void this.#connect())
  }

  /** `ended` tells the server; a session that is to come back stays open there, and its viewers with it. */
  #close(ended: boolean): void {
    this.#attempt += 1
    this.#cancel()
    this.#cancelSampling()
    this.#bytes = null
    this.#peer?.close()
    this.#peer = null
    if (ended) void endSession(this.#session, this.#exchange())
    this.#session = ''
  }

  #exchange(): Exchange {
    return { fetch: this.world.fetch, url: this.url, token: this.world.token(), start_kbps: START_KBPS }
  }

  #enter(phase: PublisherPhase, why: Refused | null = null): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.world.onPhase(phase, why)
  }
}
