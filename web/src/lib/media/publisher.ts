/** Publishes camera and microphone over WHIP and keeps the live on air; detects when another host has taken it over. */
import { type Fetch, Refused, Unreachable } from '../base/api'
import { Backoff } from '../base/backoff'
import {
  type Exchange,
  endSession,
  negotiate,
  onTransportClosed,
  preferCodecs,
  wasTakenOver,
} from './negotiate'
import { IceRestarter } from './ice-restart'
import { ReceiveWatchdog } from './receive-watchdog'
import { isStereo } from './stereo'
import { ENCODINGS, adjustEncodings } from './simulcast'
import type { Timers } from '../base/timers'
import { type Sent, type Uplink, sentOf, uplinkOf } from './uplink'
import type { LiveState } from '../base/wire'

/** Initial bitrate; the browser's own bandwidth estimate follows within seconds, kbit/s. */
const START_KBPS = 1_000
const TRANSPORT_TIMEOUT_MS = 10_000
/** Without a packet from the server, which sends transport-wide feedback ten times a second, ms. */
export const RECEIVE_TIMEOUT_MS = 1_500
const SAMPLE_EVERY_MS = 500
const MEASURE_EVERY_MS = 2_000
const CODECS = ['H264', 'VP8']

export type PublisherPhase = 'idle' | 'connecting' | 'live' | 'lost' | 'taken_over' | 'refused' | 'stopped'

interface PublisherWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  createPeer: (ice_servers: RTCIceServer[]) => RTCPeerConnection
  token: () => string | null
  /** The state of the room, null when it cannot be fetched. */
  roomState: () => Promise<LiveState | null>
  videoCodecs: () => RTCRtpCodec[]
  onPhase: (phase: PublisherPhase, why: Refused | null) => void
  onUplink: (uplink: Uplink) => void
}

/**
 * Why our transport ended. A server that closes it has accepted another host in our place (the room is still live), or the
 * live was ended elsewhere; a broken network or a crashed server sends no close_notify.
 */
export function endOf(closed: boolean, room: LiveState | null): 'taken_over' | 'stopped' | 'lost' {
  if (closed && room === 'live') return 'taken_over'
  return closed && room === 'over' ? 'stopped' : 'lost'
}

export class Publisher {
  #phase: PublisherPhase = 'idle'
  #peer: RTCPeerConnection | null = null
  #stream: MediaStream | null = null
  #session = ''
  #relays: RTCIceServer[] = []
  #attempt = 0
  #sent: Sent | null = null
  #iceRestarter: IceRestarter | null = null
  #cancel: () => void = () => undefined
  #cancelSampling: () => void = () => undefined
  readonly #backoff: Backoff

  constructor(
    private readonly url: string,
    private readonly world: PublisherWorld,
  ) {
    this.#backoff = new Backoff(world.random, { first_ms: 500, max_ms: 8_000 })
  }

  start(stream: MediaStream): void {
    this.#stream = stream
    void this.#connect()
  }

  /** Send another camera or microphone; only a kind that was not there before needs a new session. */
  async replace(stream: MediaStream): Promise<void> {
    this.#stream = stream
    if (!this.#peer) return
    const senders = this.#peer.getSenders()
    for (const track of stream.getTracks()) {
      const sender = senders.find((candidate) => candidate.track?.kind === track.kind)
      if (!sender) return await this.#connect()
      await sender.replaceTrack(track)
    }
  }

  /** The network is back: end the wait for the next attempt. */
  retryNow(): void {
    if (this.#phase === 'lost') void this.#connect()
  }

  /** The device has another network, or one again. */
  networkChanged(): void {
    if (this.#phase === 'live') this.#iceRestarter?.networkChanged()
    else this.retryNow()
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
      const senders = stream.getTracks().map((track) => this.#send(peer, track, stream))
      const session = await negotiate(peer, this.#exchange())
      if (attempt !== this.#attempt) return void endSession(session.url, this.#exchange())
      this.#session = session.url
      this.#relays = session.ice_servers
      this.#iceRestarter = new IceRestarter(
        peer,
        session.url,
        this.#exchange(),
        this.world.timers,
        () => void this.#broken(),
      )
      this.#cancel = this.world.timers.after(TRANSPORT_TIMEOUT_MS, () => void this.#broken())
      for (const sender of senders)
        if (sender.track?.kind === 'video') await adjustEncodings(sender, session.answer)
    } catch (error) {
      if (attempt === this.#attempt) this.#onError(error)
    }
  }

  #send(peer: RTCPeerConnection, track: MediaStreamTrack, stream: MediaStream): RTCRtpSender {
    const video = track.kind === 'video'
    const transceiver = peer.addTransceiver(track, {
      direction: 'sendonly',
      streams: [stream],
      ...(video ? { sendEncodings: ENCODINGS.map((encoding) => ({ ...encoding })) } : {}),
    })
    if (video) transceiver.setCodecPreferences?.(preferCodecs(this.world.videoCodecs(), CODECS))
    return transceiver.sender
  }

  #onError(error: unknown): void {
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
      else if (peer.connectionState === 'disconnected') this.#iceRestarter?.stalled()
      else if (peer.connectionState === 'failed' || peer.connectionState === 'closed') void this.#broken()
    }
  }

  #connected(peer: RTCPeerConnection, attempt: number): void {
    this.#cancel()
    this.#iceRestarter?.recovered()
    this.#backoff.reset()
    this.#enter('live')
    onTransportClosed(peer, () => {
      if (attempt === this.#attempt) void this.#broken(true)
    })
    this.#cancelSampling()
    const watchdog = new ReceiveWatchdog(RECEIVE_TIMEOUT_MS)
    let timedOut = false
    const sample = async () => {
      const report = await peer.getStats()
      if (attempt !== this.#attempt) return
      const stats = [...report.values()] as Record<string, unknown>[]
      const before = timedOut
      timedOut = watchdog.sample(stats, this.world.timers.now())
      if (timedOut) this.#iceRestarter?.stalled()
      else if (before) this.#iceRestarter?.recovered()
      this.#measure(stats)
      this.#cancelSampling = this.world.timers.after(SAMPLE_EVERY_MS, () => void sample())
    }
    void sample()
  }

  #measure(stats: Record<string, unknown>[]): void {
    const before = this.#sent
    if (before && this.world.timers.now() - before.at_ms < MEASURE_EVERY_MS) return
    this.#sent = sentOf(stats, this.world.timers.now())
    const uplink = before && uplinkOf(stats, before, this.#sent)
    if (uplink) this.world.onUplink(uplink)
  }

  /** The transport is gone. Reconnect, unless another host is on air in our place. */
  async #broken(closed = false): Promise<void> {
    const session = this.#session
    this.#close(false)
    const attempt = this.#attempt
    this.#enter('lost')
    // A host that is replaced before it is connected gets no close_notify.
    const takenOver = await wasTakenOver(session, this.world.fetch)
    const room = closed && !takenOver ? await this.world.roomState() : null
    if (attempt !== this.#attempt) return
    const end = takenOver ? 'taken_over' : endOf(closed, room)
    if (end === 'lost') this.#retry(0)
    else this.#enter(end)
  }

  #retry(atLeast_ms: number): void {
    this.#enter('lost')
    this.#cancel = this.world.timers.after(this.#backoff.next(atLeast_ms), () => void this.#connect())
  }

  /** `ended` deletes the session; one that reconnects stays open on the server, and its viewers with it. */
  #close(ended: boolean): void {
    this.#attempt += 1
    this.#cancel()
    this.#cancelSampling()
    this.#sent = null
    this.#iceRestarter?.close()
    this.#iceRestarter = null
    this.#peer?.close()
    this.#peer = null
    if (ended) void endSession(this.#session, this.#exchange())
    this.#session = ''
  }

  #exchange(): Exchange {
    return {
      fetch: this.world.fetch,
      url: this.url,
      token: this.world.token(),
      start_kbps: START_KBPS,
      ...(this.#stream && isStereo(this.#stream) ? { stereo: 'sprop-stereo=1' } : {}),
    }
  }

  #enter(phase: PublisherPhase, why: Refused | null = null): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.world.onPhase(phase, why)
  }
}
