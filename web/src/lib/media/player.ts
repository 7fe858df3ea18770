/** Plays a live over WHEP and keeps it playing: negotiates, samples the decoder, reconnects when something breaks. */
import { type Fetch, Refused, Unreachable } from '../base/api'
import { Backoff } from '../base/backoff'
import { PlayoutDelay, STARTUP_SAMPLE_EVERY_MS, iceRttMs, receiveSample } from './playout-delay'
import { FreezeDetector, videoSample } from './freeze'
import { type Exchange, endSession, negotiate, onTransportClosed } from './negotiate'
import { IceRestarter } from './ice-restart'
import { ReceiveWatchdog } from './receive-watchdog'
import type { Timers } from '../base/timers'

/** From the answer to a connected transport, ms. */
export const TRANSPORT_TIMEOUT_MS = 8_000
/** The same for a direct path, when there are TURN relays to fall back on, ms. */
export const DIRECT_TIMEOUT_MS = 3_000
const SAMPLE_EVERY_MS = 1_000
/** Until the first frame, so that it is shown without delay, ms. */
const FIRST_FRAME_SAMPLE_EVERY_MS = 100
/** In the first seconds, and while the playout delay adapts, ms. */
const FAST_SAMPLE_EVERY_MS = 200
const FAST_SAMPLING_MS = 5_000
/** From connected ICE to a connected transport, by DTLS 1.2: a second RTT sample beside that of the checks. */
const HANDSHAKE_ROUND_TRIPS = 2
/** Wait for a live to begin when the server sends no Retry-After, ms. */
const NOT_LIVE_WAIT_MS = 3_000
/** Transports that fail in a row before this network counts as blocking WebRTC. */
const BLOCKED_AFTER = 2
/** Without a packet from the server, ms; spread, so that many viewers of a lost server do not reconnect at once. */
export const RECEIVE_TIMEOUT_MS = 2_000
const RECEIVE_TIMEOUT_SPREAD_MS = 500
const UNSUPPORTED_WAIT_MS = 30_000
/** Until the next offer to a live that WebRTC cannot carry (B-frames): its host may change that, ms. */
const NO_WEBRTC_WAIT_MS = 15_000
/** While another road plays, ms. */
export const PROBE_LIMITS = { first_ms: 30_000, max_ms: 300_000 }
const UNSUPPORTED_STATUS = new Set([400, 406, 415, 422])

export type PlayerPhase =
  | 'idle'
  | 'connecting'
  | 'playing'
  | 'not_live'
  | 'no_webrtc'
  | 'lost'
  | 'blocked'
  | 'unsupported'
  | 'stopped'

interface PlayerWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  createPeer: (ice_servers: RTCIceServer[]) => RTCPeerConnection
  token: () => string | null
  onPhase: (phase: PlayerPhase) => void
  onIceConnected?: () => void
  onTrack: (event: RTCTrackEvent) => void
}

export class Player {
  #phase: PlayerPhase = 'idle'
  #peer: RTCPeerConnection | null = null
  #session = ''
  /** TURN servers that the server named; used once the direct path has failed. */
  #relays: RTCIceServer[] = []
  #relayed = false
  #attempt = 0
  #transportsFailed = 0
  #held = false
  #retryRequested = false
  #iceRestarter: IceRestarter | null = null
  /** No frames and no packets arrive. */
  #stalled = false
  #layers = ''
  #held_ms = 0
  #freezes: FreezeDetector | null = null
  #playoutDelay = new PlayoutDelay()
  #cancel: () => void = () => undefined
  #cancelSampling: () => void = () => undefined
  readonly #backoff: Backoff
  /** Of attempts while another road plays; null: none does. */
  #probes: Backoff | null = null

  constructor(
    private readonly url: string,
    private readonly world: PlayerWorld,
  ) {
    this.#backoff = new Backoff(world.random)
  }

  /** The address of the session's layer selection, `''` without layers. */
  get layers(): string {
    return this.#layers
  }

  start(): void {
    if (this.#phase === 'idle' || this.#phase === 'stopped') void this.#connect()
  }

  /** The live began or the network is back: end the wait for the next attempt. */
  retryNow(): void {
    if (this.#phase === 'playing' || this.#phase === 'idle' || this.#phase === 'stopped') return
    // The answer in flight may be older than this event: if it is a refusal, ask once more.
    if (this.#phase === 'connecting') this.#retryRequested = true
    else void this.#connect()
  }

  /** Another road plays (or no longer): attempts go on, but seldom. */
  probe(probing: boolean): void {
    if (!probing) this.#probes = null
    else this.#probes ??= new Backoff(this.world.random, PROBE_LIMITS)
  }

  /** The device has another network, or one again. */
  networkChanged(): void {
    if (this.#phase === 'playing') this.#iceRestarter?.networkChanged()
    else this.retryNow()
  }

  /** While the host is away frozen video is expected, and a new session would not help. */
  hold(held: boolean): void {
    this.#held = held
    this.#freezes?.restart(this.world.timers.now())
  }

  /** End the session, even while the page unloads. */
  stop(): void {
    this.#close()
    this.#enter('stopped')
  }

  async #connect(): Promise<void> {
    this.#close()
    const attempt = this.#attempt
    this.#retryRequested = false
    this.#enter('connecting')
    try {
      const peer = this.world.createPeer(this.#relayed ? this.#relays : [])
      this.#peer = peer
      this.#listen(peer, attempt)
      peer.addTransceiver('video', { direction: 'recvonly' })
      peer.addTransceiver('audio', { direction: 'recvonly' })
      const session = await negotiate(peer, this.#exchange())
      if (attempt !== this.#attempt) return void endSession(session.url, this.#exchange())
      this.#session = session.url
      this.#relays = session.ice_servers
      this.#layers = session.layer_url
      this.#held_ms = session.held_ms
      this.#iceRestarter = new IceRestarter(peer, session.url, this.#exchange(), this.world.timers, () =>
        this.#reconnect(),
      )
      const timeout_ms = this.#relays.length > 0 && !this.#relayed ? DIRECT_TIMEOUT_MS : TRANSPORT_TIMEOUT_MS
      this.#cancel = this.world.timers.after(timeout_ms, () => this.#transportFailed())
    } catch (error) {
      if (attempt === this.#attempt) this.#onError(error)
    }
  }

  #onError(error: unknown): void {
    if (this.#retryRequested) return void this.#connect()
    this.#close()
    if (error instanceof Unreachable) return this.#retry('lost', this.#backoff.next())
    if (!(error instanceof Refused)) return this.#retry('unsupported', UNSUPPORTED_WAIT_MS)
    if (error.kind === 'no-webrtc') return this.#retry('no_webrtc', this.#spread(NO_WEBRTC_WAIT_MS))
    if (error.status === 409)
      return this.#retry('not_live', this.#spread(error.retry_after_ms || NOT_LIVE_WAIT_MS))
    if (UNSUPPORTED_STATUS.has(error.status)) return this.#retry('unsupported', UNSUPPORTED_WAIT_MS)
    this.#retry('lost', this.#backoff.next(error.retry_after_ms))
  }

  #listen(peer: RTCPeerConnection, attempt: number): void {
    let ice_connected_ms = Infinity
    peer.oniceconnectionstatechange = () => {
      if (peer.iceConnectionState !== 'connected') return
      ice_connected_ms = Math.min(ice_connected_ms, this.world.timers.now())
      if (attempt === this.#attempt) this.world.onIceConnected?.()
    }
    peer.ontrack = (event) => {
      if (attempt === this.#attempt) this.world.onTrack(event)
    }
    peer.onconnectionstatechange = () => {
      if (attempt !== this.#attempt) return
      if (peer.connectionState === 'connected')
        this.#connected(peer, attempt, (this.world.timers.now() - ice_connected_ms) / HANDSHAKE_ROUND_TRIPS)
      else if (peer.connectionState === 'disconnected') this.#iceRestarter?.stalled()
      else if (peer.connectionState === 'failed' || peer.connectionState === 'closed') this.#transportFailed()
    }
  }

  #connected(peer: RTCPeerConnection, attempt: number, handshake_rtt_ms: number): void {
    this.#cancel()
    // A transport that is connected again still has to bring frames.
    if (!this.#stalled) this.#iceRestarter?.recovered()
    this.#transportsFailed = 0
    if (this.#freezes) return
    this.#freezes = new FreezeDetector(this.world.timers.now())
    this.#playoutDelay = new PlayoutDelay()
    const watchdog = new ReceiveWatchdog(RECEIVE_TIMEOUT_MS + RECEIVE_TIMEOUT_SPREAD_MS * this.world.random())
    onTransportClosed(peer, () => {
      if (attempt === this.#attempt) this.#reconnect()
    })
    const connected_ms = this.world.timers.now()
    let started = false
    const sample = async () => {
      const report = await peer.getStats()
      if (attempt !== this.#attempt) return
      const stats = [...report.values()] as Record<string, unknown>[]
      if (started) this.#adaptPlayoutDelay(peer, stats)
      else {
        const rtt_ms = Math.max(iceRttMs(stats), handshake_rtt_ms)
        setPlayoutDelay(peer, this.#playoutDelay.start(rtt_ms, this.#held_ms, this.world.timers.now()))
      }
      started = true
      this.#checkReceive(watchdog.sample(stats, this.world.timers.now()))
      this.#checkFrames(stats)
      if (attempt === this.#attempt)
        this.#cancelSampling = this.world.timers.after(this.#sampleEvery(connected_ms), () => void sample())
    }
    void sample()
  }

  #sampleEvery(connected_ms: number): number {
    if (this.#playoutDelay.starting && !this.#held) return STARTUP_SAMPLE_EVERY_MS
    if (this.#phase !== 'playing') return FIRST_FRAME_SAMPLE_EVERY_MS
    const recent = this.world.timers.now() - connected_ms < FAST_SAMPLING_MS
    return recent || this.#playoutDelay.adapting ? FAST_SAMPLE_EVERY_MS : SAMPLE_EVERY_MS
  }

  /** More playout delay on a lossy link, and only there: it is latency. */
  #adaptPlayoutDelay(peer: RTCPeerConnection, stats: Record<string, unknown>[]): void {
    const adapts = this.#phase === 'playing' || this.#playoutDelay.starting
    const sample = adapts && !this.#held ? receiveSample(stats) : null
    if (!sample) return
    setPlayoutDelay(peer, this.#playoutDelay.sample(sample, this.world.timers.now()))
  }

  #checkFrames(stats: Record<string, unknown>[]): void {
    const sample = videoSample(stats)
    const now = this.world.timers.now()
    const state = this.#freezes?.sample(sample ?? { frames_decoded: 0, packets_received: 0 }, now)
    if (state === 'decoding') {
      if (this.#stalled) this.#iceRestarter?.recovered()
      this.#stalled = false
      this.#backoff.reset()
      this.#enter('playing')
    } else if (this.#held) this.#freezes?.restart(now)
    else if (state === 'undecodable') {
      this.#close()
      this.#retry('unsupported', UNSUPPORTED_WAIT_MS)
    } else if (state === 'stalled') this.#onStall()
    else if (state === 'frozen') this.#reconnect()
  }

  /** While the host is away no frames come: packets alone show that the transport works. */
  #checkReceive(timedOut: boolean): void {
    if (timedOut) this.#onStall()
    else if (this.#held && this.#stalled) {
      this.#stalled = false
      this.#iceRestarter?.recovered()
    }
  }

  #onStall(): void {
    this.#stalled = true
    this.#iceRestarter?.stalled()
  }

  #transportFailed(): void {
    if (this.#phase === 'playing') return this.#reconnect()
    if (this.#relays.length > 0 && !this.#relayed) {
      this.#relayed = true
      return void this.#connect()
    }
    this.#transportsFailed += 1
    this.#close()
    this.#retry(this.#transportsFailed >= BLOCKED_AFTER ? 'blocked' : 'lost', this.#backoff.next())
  }

  #reconnect(): void {
    this.#close()
    this.#retry('lost', this.#backoff.next())
  }

  #retry(phase: PlayerPhase, wait_ms: number): void {
    this.#enter(phase)
    // A listener may have found another road by now.
    const seldom_ms = phase === 'not_live' ? 0 : (this.#probes?.next() ?? 0)
    this.#cancel = this.world.timers.after(Math.max(wait_ms, seldom_ms), () => void this.#connect())
  }

  #close(): void {
    this.#attempt += 1
    this.#cancel()
    this.#cancelSampling()
    this.#iceRestarter?.close()
    this.#iceRestarter = null
    this.#stalled = false
    this.#layers = ''
    this.#freezes = null
    this.#peer?.close()
    this.#peer = null
    void endSession(this.#session, this.#exchange())
    this.#session = ''
  }

  #spread(wait_ms: number): number {
    return wait_ms * (1 + 0.3 * this.world.random())
  }

  #exchange(): Exchange {
    return { fetch: this.world.fetch, url: this.url, token: this.world.token(), stereo: 'stereo=1' }
  }

  #enter(phase: PlayerPhase): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.world.onPhase(phase)
  }
}

/** Set the minimum delay of video and audio, ms; null: the browser's own choice, the only one that some browsers have. */
function setPlayoutDelay(peer: RTCPeerConnection, target_ms: number | null): void {
  for (const receiver of peer.getReceivers?.() ?? [])
    if (receiver.jitterBufferTarget !== undefined && receiver.jitterBufferTarget !== target_ms)
      receiver.jitterBufferTarget = target_ms
}
