/** Watches a live over WHEP and keeps it running: negotiates, looks at the decoder, starts again when something breaks. */
import { type Fetch, Refused, Unreachable } from '../base/api'
import { Backoff } from '../base/backoff'
import { Cushion, FIRST_SAMPLES_EVERY_MS, checkedRoundTrip, lineSample } from './playout-delay'
import { FreezeWatch, videoSample } from './freeze'
import { type Exchange, endSession, negotiate, onTransportClosed } from './negotiate'
import { Mending } from './ice-restart'
import { Silence } from './receive-watchdog'
import type { Timers } from '../base/timers'

/** From the answer to a connected transport, ms. */
export const TRANSPORT_TIMEOUT_MS = 8_000
/** The same for the straight way, when there are relays to fall back on, ms. */
export const STRAIGHT_TIMEOUT_MS = 3_000
const SAMPLE_EVERY_MS = 1_000
/** Until the first frame, so that it is shown as soon as it is there, ms. */
const EARLY_SAMPLES_EVERY_MS = 100
/** While it is young, or while it is being given time for repairs, ms. */
const CLOSE_SAMPLES_EVERY_MS = 200
const YOUNG_MS = 5_000
/** From a way that was found to a connected transport, by DTLS 1.2. One check may have been lucky. */
const HANDSHAKE_ROUND_TRIPS = 2
/** Wait for a live to begin when the server names no time, ms. */
const NOT_LIVE_WAIT_MS = 3_000
/** Transports in a row that fail before we say that WebRTC is blocked here. */
const BLOCKED_AFTER = 2
/** Without anything from the server; many viewers lose one at the same time, and shall not ask for it at the same time, ms. */
export const SILENT_MS = 2_000
const SILENT_SPREAD_MS = 500
const UNSUPPORTED_WAIT_MS = 30_000
const UNSUPPORTED_STATUS = new Set([400, 406, 415, 422])

export type PlayerPhase =
  'idle' | 'connecting' | 'playing' | 'not_live' | 'lost' | 'blocked' | 'unsupported' | 'stopped'

export interface PlayerWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  createPeer: (ice_servers: RTCIceServer[]) => RTCPeerConnection
  token: () => string | null
  onPhase: (phase: PlayerPhase) => void
  onTrack: (event: RTCTrackEvent) => void
}

export class Player {
  #phase: PlayerPhase = 'idle'
  #peer: RTCPeerConnection | null = null
  #session = ''
  /** Relays that the server named; used once the straight way has failed. */
  #relays: RTCIceServer[] = []
  #relayed = false
  #attempt = 0
  #transportsFailed = 0
  #held = false
  #poked = false
  #mending: Mending | null = null
  /** The picture stands and nothing arrives. */
  #stalled = false
  #layers = ''
  #held_ms = 0
  #watch: FreezeWatch | null = null
  #cushion = new Cushion()
  #cancel: () => void = () => undefined
  #cancelSampling: () => void = () => undefined
  readonly #backoff: Backoff

  constructor(
    private readonly url: string,
    private readonly world: PlayerWorld,
  ) {
    this.#backoff = new Backoff(world.random)
  }

  get phase(): PlayerPhase {
    return this.#phase
  }

  get peer(): RTCPeerConnection | null {
    return this.#peer
  }

  /** Where to say what is shown, `''` while there is nothing to choose from. */
  get layers(): string {
    return this.#layers
  }

  start(): void {
    if (this.#phase === 'idle' || this.#phase === 'stopped') void this.#connect()
  }

  /** Something changed for the better (the live began, the network is back): try at once if we were waiting to. */
  poke(): void {
    if (this.#phase === 'playing' || this.#phase === 'idle' || this.#phase === 'stopped') return
    // The answer that is under way may be older than the news: should it be a no, ask once more.
    if (this.#phase === 'connecting') this.#poked = true
    else void this.#connect()
  }

  /** The device has another network, or one again. */
  networkChanged(): void {
    if (this.#phase === 'playing') this.#mending?.networkChanged()
    else this.poke()
  }

  /** While the host is away a still picture is no fault of ours, and a new session would not move it. */
  hold(held: boolean): void {
    this.#held = held
    this.#watch?.restart(this.world.timers.now())
  }

  /** End it and tell the server, even while the page goes away. */
  stop(): void {
    this.#close()
    this.#enter('stopped')
  }

  async #connect(): Promise<void> {
    this.#close()
    const attempt = this.#attempt
    this.#poked = false
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
      this.#mending = new Mending(peer, session.url, this.#exchange(), this.world.timers, () => this.#again())
      const patience_ms =
        this.#relays.length > 0 && !this.#relayed ? STRAIGHT_TIMEOUT_MS : TRANSPORT_TIMEOUT_MS
      this.#cancel = this.world.timers.after(patience_ms, () => this.#transportFailed())
    } catch (error) {
      if (attempt === this.#attempt) this.#refused(error)
    }
  }

  #refused(error: unknown): void {
    if (this.#poked) return void this.#connect()
    this.#close()
    if (error instanceof Unreachable) return this.#retry('lost', this.#backoff.next())
    if (!(error instanceof Refused)) return this.#retry('unsupported', UNSUPPORTED_WAIT_MS)
    if (error.status === 409)
      return this.#retry('not_live', this.#spread(error.retry_after_ms || NOT_LIVE_WAIT_MS))
    if (UNSUPPORTED_STATUS.has(error.status)) return this.#retry('unsupported', UNSUPPORTED_WAIT_MS)
    this.#retry('lost', this.#backoff.next(error.retry_after_ms))
  }

  #listen(peer: RTCPeerConnection, attempt: number): void {
    let found_ms = Infinity
    peer.oniceconnectionstatechange = () => {
      if (peer.iceConnectionState === 'connected') found_ms = Math.min(found_ms, this.world.timers.now())
    }
    peer.ontrack = (event) => {
      if (attempt === this.#attempt) this.world.onTrack(event)
    }
    peer.onconnectionstatechange = () => {
      if (attempt !== this.#attempt) return
      if (peer.connectionState === 'connected')
        this.#connected(peer, attempt, (this.world.timers.now() - found_ms) / HANDSHAKE_ROUND_TRIPS)
      else if (peer.connectionState === 'disconnected') this.#mending?.stalled()
      else if (peer.connectionState === 'failed' || peer.connectionState === 'closed') this.#transportFailed()
    }
  }

  #connected(peer: RTCPeerConnection, attempt: number, shaken_ms: number): void {
    this.#cancel()
    // A transport that says it is well again still has to move the picture.
    if (!this.#stalled) this.#mending?.moving()
    this.#transportsFailed = 0
    if (this.#watch) return
    this.#watch = new FreezeWatch(this.world.timers.now())
    this.#cushion = new Cushion()
    const silence = new Silence(SILENT_MS + SILENT_SPREAD_MS * this.world.random())
    onTransportClosed(peer, () => {
      if (attempt === this.#attempt) this.#again()
    })
    const began_ms = this.world.timers.now()
    let begun = false
    const sample = async () => {
      const report = await peer.getStats()
      if (attempt !== this.#attempt) return
      const stats = [...report.values()] as Record<string, unknown>[]
      if (begun) this.#soften(peer, stats)
      else {
        const round_trip_ms = Math.max(checkedRoundTrip(stats), shaken_ms)
        setDelay(peer, this.#cushion.begin(round_trip_ms, this.#held_ms, this.world.timers.now()))
      }
      begun = true
      this.#hear(silence.sample(stats, this.world.timers.now()))
      this.#look(stats)
      if (attempt === this.#attempt)
        this.#cancelSampling = this.world.timers.after(this.#sampleEvery(began_ms), () => void sample())
    }
    void sample()
  }

  #sampleEvery(began_ms: number): number {
    if (this.#cushion.beginning && !this.#held) return FIRST_SAMPLES_EVERY_MS
    if (this.#phase !== 'playing') return EARLY_SAMPLES_EVERY_MS
    const young = this.world.timers.now() - began_ms < YOUNG_MS
    return young || this.#cushion.changing ? CLOSE_SAMPLES_EVERY_MS : SAMPLE_EVERY_MS
  }

  /** A line that loses gets time for repairs; only while it does, since it is delay. */
  #soften(peer: RTCPeerConnection, stats: Record<string, unknown>[]): void {
    const watched = this.#phase === 'playing' || this.#cushion.beginning
    const sample = watched && !this.#held ? lineSample(stats) : null
    if (!sample) return
    setDelay(peer, this.#cushion.sample(sample, this.world.timers.now()))
  }

  #look(stats: Record<string, unknown>[]): void {
    const sample = videoSample(stats)
    const now = this.world.timers.now()
    const picture = this.#watch?.sample(sample ?? { frames_decoded: 0, packets_received: 0 }, now)
    if (picture === 'moving') {
      if (this.#stalled) this.#mending?.moving()
      this.#stalled = false
      this.#backoff.reset()
      this.#enter('playing')
    } else if (this.#held) this.#watch?.restart(now)
    else if (picture === 'undecodable') {
      this.#close()
      this.#retry('unsupported', UNSUPPORTED_WAIT_MS)
    } else if (picture === 'stalled') this.#stalls()
    else if (picture === 'frozen') this.#again()
  }

  /** Something comes over the way, or nothing does. While the host is away, that it does is all there is to see. */
  #hear(silent: boolean): void {
    if (silent) this.#stalls()
    else if (this.#held && this.#stalled) {
      this.#stalled = false
      this.#mending?.moving()
    }
  }

  #stalls(): void {
    this.#stalled = true
    this.#mending?.stalled()
  }

  #transportFailed(): void {
    if (this.#phase === 'playing') return this.#again()
    if (this.#relays.length > 0 && !this.#relayed) {
      this.#relayed = true
      return void this.#connect()
    }
    this.#transportsFailed += 1
    this.#close()
    this.#retry(this.#transportsFailed >= BLOCKED_AFTER ? 'blocked' : 'lost', this.#backoff.next())
  }

  #again(): void {
    this.#close()
    this.#retry('lost', this.#backoff.next())
  }

  #retry(phase: PlayerPhase, wait_ms: number): void {
    this.#enter(phase)
    this.#cancel = this.world.timers.after(wait_ms, () => void this.#connect())
  }

  #close(): void {
    this.#attempt += 1
    this.#cancel()
    this.#cancelSampling()
    this.#mending?.close()
    this.#mending = null
    this.#stalled = false
    this.#layers = ''
    this.#watch = null
    this.#peer?.close()
    this.#peer = null
    void endSession(this.#session, this.#exchange())
    this.#session = ''
  }

  #spread(wait_ms: number): number {
    return wait_ms * (1 + 0.3 * this.world.random())
  }

  #exchange(): Exchange {
    return { fetch: this.world.fetch, url: this.url, token: this.world.token() }
  }

  #enter(phase: PlayerPhase): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.world.onPhase(phase)
  }
}

/** The least delay of pictures and sound, ms; null: the browser's own choice. Some browsers know only that. */
function setDelay(peer: RTCPeerConnection, target_ms: number | null): void {
  for (const receiver of peer.getReceivers?.() ?? [])
    if (receiver.jitterBufferTarget !== undefined && receiver.jitterBufferTarget !== target_ms)
      receiver.jitterBufferTarget = target_ms
}
