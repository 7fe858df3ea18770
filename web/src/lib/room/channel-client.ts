/**
 * The client's half of the room protocol, without a socket (docs/protocol.md).
 *
 * Drive it: call one of `open`, `opened`, `receive`, `closed`, `timeout`, `wake`, `authorise`, `chat`, `like`; then do
 * everything `drain()` returns, in order; then arm a timer for `nextTimer()` (monotonic ms) and call `timeout` when it is due.
 *
 * Messages come out in the order of the channel, each numbered event exactly once. A gap, a foreign epoch or a dead connection
 * makes the client drop the socket and reconnect; it then gets either what it missed or a fresh snapshot.
 */
import type { Backoff } from '../base/backoff'
import { type ClockSample, betterSample, clockSample } from './clock'
import { type Position, follow } from './position'
import {
  CloseCode,
  type ClientMessage,
  type ServerMessage,
  type Snapshot,
  type Tick,
  type Welcome,
} from '../base/wire'

/** Longest wait for the socket to open, and again for the welcome, ms. */
export const CONNECT_TIMEOUT_MS = 8_000
/** Without a message for this long beyond one ping period the connection is dead, ms. */
export const PONG_GRACE_MS = 5_000
/** Chat lines waiting for their ack; more are refused. */
const PENDING_CHAT_MAX = 5
/** The server shuts down and another one is up: reconnect at once. */
const MOVED_CODE = CloseCode.DRAINING
/** After these close codes reconnecting would not help. */
const FINAL_CODES = { from: 3500, to: 3999 }
/** Wait before reconnecting after a gap, so that a crowd with the same gap spreads, ms. */
const GAP_WAIT_MS = 250

export type Phase = 'idle' | 'connecting' | 'greeting' | 'live' | 'waiting' | 'closed'
export type Effect =
  | { do: 'connect' }
  | { do: 'send'; message: ClientMessage }
  /** Forget the socket; its later events must not be reported. */
  | { do: 'drop' }
  | { do: 'deliver'; message: ServerMessage }
  | { do: 'phase'; phase: Phase }

export class ChannelClient {
  #phase: Phase = 'idle'
  #effects: Effect[] = []
  #position: Position | null = null
  #timer: number | null = null
  #received_ms = 0
  #pinged_ms = 0
  #ping_ms = 25_000
  #pings = new Map<number, number>()
  #pingId = 0
  #clock: ClockSample | null = null
  #pendingChat = new Map<string, string>()
  #closeCode: number | null = null

  constructor(
    readonly channel: string,
    private readonly backoff: Backoff,
    private token: string | null = null,
  ) {}

  get phase(): Phase {
    return this.#phase
  }

  /** The close code that ended it for good, null while it may still reconnect. */
  get closeCode(): number | null {
    return this.#closeCode
  }

  /** Server time in UTC ms at local monotonic `now`, or null before the first answer. */
  serverTime(now: number): number | null {
    return this.#clock ? now + this.#clock.offset_ms : null
  }

  drain(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  nextTimer(): number | null {
    return this.#timer
  }

  open(now: number): void {
    if (this.#phase === 'connecting' || this.#phase === 'greeting' || this.#phase === 'live') return
    this.#closeCode = null
    this.#enter('connecting')
    this.#effects.push({ do: 'connect' })
    this.#timer = now + CONNECT_TIMEOUT_MS
  }

  /** The socket is open. */
  opened(now: number): void {
    if (this.#phase !== 'connecting') return
    this.#enter('greeting')
    const hello: ClientMessage = { t: 'hello', channel: this.channel }
    if (this.token) hello.token = this.token
    if (this.#position) Object.assign(hello, this.#position)
    this.#effects.push({ do: 'send', message: hello })
    this.#timer = now + CONNECT_TIMEOUT_MS
  }

  receive(message: ServerMessage, now: number): void {
    if (this.#phase !== 'greeting' && this.#phase !== 'live') return
    this.#received_ms = now
    if (this.#phase === 'live') this.#arm()
    switch (message.t) {
      case 'welcome':
        return this.#welcome(message, now)
      case 'snapshot':
        return this.#snapshot(message)
      case 'tick':
        return this.#tick(message, now)
      case 'pong':
        return this.#pong(message.id, message.at_ms, now)
      case 'ack':
        this.#pendingChat.delete(message.cid)
        break
      case 'error':
        if (message.cid) this.#pendingChat.delete(message.cid)
    }
    this.#deliver(message)
  }

  /** The socket closed, or could not be opened (1006). */
  closed(code: number, now: number): void {
    if (this.#phase === 'idle' || this.#phase === 'closed' || this.#phase === 'waiting') return
    if (code >= FINAL_CODES.from && code <= FINAL_CODES.to) {
      this.#closeCode = code
      this.#timer = null
      this.#enter('closed')
    } else this.#retry(now, code === MOVED_CODE ? GAP_WAIT_MS : this.backoff.next())
  }

  timeout(now: number): void {
    if (this.#timer === null || now < this.#timer) return
    if (this.#phase === 'waiting') this.open(now)
    else if (this.#phase === 'live' && now < this.#received_ms + this.#ping_ms + PONG_GRACE_MS)
      this.#ping(now)
    else this.#drop(now, this.backoff.next())
  }

  /** The network may be back (online, page visible again): end the wait, and ping to check the connection. */
  wake(now: number): void {
    if (this.#phase === 'waiting') this.open(now)
    else if (this.#phase === 'live') this.#ping(now)
  }

  /** Reconnect with another token (a guest who has just registered); the position is kept. */
  authorise(token: string | null, now: number): void {
    if (token === this.token) return
    this.token = token
    if (this.#phase === 'idle') return
    if (this.#phase === 'closed' || this.#phase === 'waiting') this.open(now)
    else this.#drop(now, 0)
  }

  /** Send a chat line. False when it cannot be sent now: the caller keeps the text. */
  chat(cid: string, text: string): boolean {
    if (this.#phase !== 'live' || this.#pendingChat.size >= PENDING_CHAT_MAX) return false
    this.#pendingChat.set(cid, text)
    this.#effects.push({ do: 'send', message: { t: 'chat', cid, text } })
    return true
  }

  /** Send `n` likes; dropped while disconnected. */
  like(n: number): void {
    if (this.#phase === 'live' && n > 0) this.#effects.push({ do: 'send', message: { t: 'like', n } })
  }

  /** End it for good. */
  close(): void {
    if (this.#phase === 'closed') return
    this.#timer = null
    this.#effects.push({ do: 'drop' })
    this.#enter('closed')
  }

  #welcome(message: Welcome, now: number): void {
    if (this.#phase !== 'greeting') return
    this.#ping_ms = Math.max(1, message.ping_s) * 1000
    if (!message.recovered) this.#position = null
    this.#clock = betterSample(this.#clock, {
      offset_ms: message.at_ms - now,
      round_trip_ms: 1000,
      taken_ms: now,
    })
    this.#enter('live')
    this.backoff.reset()
    this.#deliver(message)
    for (const [cid, text] of this.#pendingChat)
      this.#effects.push({ do: 'send', message: { t: 'chat', cid, text } })
    this.#ping(now)
  }

  #snapshot(message: Snapshot): void {
    this.#position = { epoch: message.epoch, offset: message.offset }
    this.#deliver(message)
  }

  #tick(tick: Tick, now: number): void {
    const position = this.#position
    if (!position) return // Nothing to apply it to: the snapshot follows.
    const followed = follow(position, tick)
    this.#position = followed?.position ?? null
    if (followed) this.#deliver({ ...tick, events: followed.events })
    else this.#drop(now, GAP_WAIT_MS)
  }

  #pong(id: number, at_ms: number, now: number): void {
    const sent_ms = this.#pings.get(id)
    if (sent_ms === undefined) return
    this.#pings.delete(id)
    this.#clock = betterSample(this.#clock, clockSample(sent_ms, now, at_ms))
  }

  #ping(now: number): void {
    this.#pings.clear()
    this.#pingId += 1
    this.#pings.set(this.#pingId, now)
    this.#effects.push({ do: 'send', message: { t: 'ping', id: this.#pingId } })
    this.#pinged_ms = now
    this.#arm()
  }

  /** Due at the next ping, or when the connection counts as dead. */
  #arm(): void {
    this.#timer = Math.min(this.#pinged_ms, this.#received_ms + PONG_GRACE_MS) + this.#ping_ms
  }

  #drop(now: number, wait_ms: number): void {
    this.#effects.push({ do: 'drop' })
    this.#retry(now, wait_ms)
  }

  #retry(now: number, wait_ms: number): void {
    this.#timer = now + wait_ms
    this.#enter('waiting')
  }

  #deliver(message: ServerMessage): void {
    this.#effects.push({ do: 'deliver', message })
  }

  #enter(phase: Phase): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.#effects.push({ do: 'phase', phase })
  }
}
