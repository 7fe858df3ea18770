/** Plays a live by LL-HLS and keeps it playing: asks whether it can be had, runs an engine, replaces one that fails. */
import { type Fetch, REQUEST_TIMEOUT_MS, Unreachable, refusal, Refused } from '../base/api'
import { Backoff } from '../base/backoff'
import type { Timers } from '../base/timers'

/** Wait for a live to begin when the server sends no Retry-After, ms. */
const NOT_LIVE_WAIT_MS = 3_000
/** Until a live that has no HLS is asked for again: another host may have another codec, ms. */
const NO_HLS_WAIT_MS = 15_000
/** How often the engine is looked at, ms. */
const LOOK_EVERY_MS = 1_000
/** Without progress for so long an engine is replaced, ms; it mends shorter stalls itself. */
export const STALL_MS = 8_000
/** Of an engine that has not begun, ms. */
export const START_TIMEOUT_MS = 15_000
/** So many stalls within this time, ms, and the line is too thin. */
export const STALLS_MAX = 4
export const STALLS_WITHIN_MS = 30_000

export type HlsPhase =
  'idle' | 'loading' | 'playing' | 'not_live' | 'no_hls' | 'lost' | 'unsupported' | 'stopped'

/** What plays a playlist: hls.js, or the browser itself. */
export interface HlsEngine {
  /** Seconds played; null while nothing is to be played, as in a paused element. */
  position: () => number | null
  end: () => void
}
export interface EngineListener {
  /** The first frame is there. */
  onPlaying: () => void
  /** It has nothing to show for now. */
  onStall: () => void
  /** It is over: an error that it cannot mend, or the end of the live. */
  onFailed: () => void
}

interface HlsWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  /** Whether this browser can play HLS at all. */
  supported: () => boolean
  createEngine: (url: string, listener: EngineListener) => HlsEngine
  onPhase: (phase: HlsPhase) => void
  /** It stalls again and again: this line does not carry the video. */
  onThinLine: () => void
}

export class HlsPlayer {
  #phase: HlsPhase = 'idle'
  #attempt = 0
  #held = false
  #engine: HlsEngine | null = null
  #position: number | null = null
  #progress_ms = 0
  #stalls_ms: number[] = []
  #cancel: () => void = () => undefined
  readonly #backoff: Backoff

  constructor(
    private readonly url: string,
    private readonly world: HlsWorld,
  ) {
    this.#backoff = new Backoff(world.random)
  }

  start(): void {
    if (this.#phase !== 'idle' && this.#phase !== 'stopped') return
    if (this.world.supported()) void this.#load()
    else this.#enter('unsupported')
  }

  /** The live began or the network is back: end the wait for the next attempt. */
  retryNow(): void {
    if (this.#phase === 'lost' || this.#phase === 'not_live' || this.#phase === 'no_hls') void this.#load()
  }

  /** While the host is away there is no progress. */
  hold(held: boolean): void {
    this.#held = held
    this.#progress_ms = this.world.timers.now()
  }

  stop(): void {
    this.#close()
    if (this.#phase !== 'idle') this.#enter('stopped')
  }

  async #load(): Promise<void> {
    this.#close()
    const attempt = this.#attempt
    if (this.#phase !== 'lost') this.#enter('loading')
    try {
      // Engines do not say why a playlist was refused.
      await checkPlaylist(this.world.fetch, this.url)
      if (attempt === this.#attempt) this.#begin(attempt)
    } catch (error) {
      if (attempt === this.#attempt) this.#onError(error)
    }
  }

  #begin(attempt: number): void {
    const current = (callback: () => void) => () => {
      if (attempt === this.#attempt) callback()
    }
    this.#progress_ms = this.world.timers.now()
    this.#position = null
    this.#engine = this.world.createEngine(this.url, {
      onPlaying: current(() => {
        this.#progress_ms = this.world.timers.now()
        this.#enter('playing')
      }),
      onStall: current(() => this.#onStall()),
      onFailed: current(() => this.#retry('lost', this.#backoff.next())),
    })
    this.#look()
  }

  #onStall(): void {
    const now = this.world.timers.now()
    if (this.#phase !== 'playing' || this.#held) return
    this.#stalls_ms = [...this.#stalls_ms.filter((at_ms) => now - at_ms < STALLS_WITHIN_MS), now]
    if (this.#stalls_ms.length < STALLS_MAX) return
    this.#stalls_ms = []
    this.world.onThinLine()
  }

  #look(): void {
    this.#cancel = this.world.timers.after(LOOK_EVERY_MS, () => {
      const now = this.world.timers.now()
      const position = this.#engine?.position() ?? null
      const progressed = position !== this.#position
      if (progressed && this.#position !== null) this.#backoff.reset()
      this.#position = position
      if (this.#phase === 'playing' && (progressed || position === null || this.#held))
        this.#progress_ms = now
      const limit_ms = this.#phase === 'playing' ? STALL_MS : START_TIMEOUT_MS
      if (now - this.#progress_ms >= limit_ms) this.#retry('lost', this.#backoff.next())
      else this.#look()
    })
  }

  #onError(error: unknown): void {
    if (!(error instanceof Refused)) return this.#retry('lost', this.#backoff.next())
    if (error.kind === 'no-hls') return this.#retry('no_hls', this.#spread(NO_HLS_WAIT_MS))
    if (error.status === 409)
      return this.#retry('not_live', this.#spread(error.retry_after_ms || NOT_LIVE_WAIT_MS))
    this.#retry('lost', this.#backoff.next(error.retry_after_ms))
  }

  #retry(phase: HlsPhase, wait_ms: number): void {
    this.#close()
    this.#enter(phase)
    this.#cancel = this.world.timers.after(wait_ms, () => void this.#load())
  }

  #close(): void {
    this.#attempt += 1
    this.#cancel()
    this.#engine?.end()
    this.#engine = null
  }

  #spread(wait_ms: number): number {
    return wait_ms * (1 + 0.3 * this.world.random())
  }

  #enter(phase: HlsPhase): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.world.onPhase(phase)
  }
}

/** Load a playlist, and so have the server begin to package; raises Unreachable and Refused. */
export async function checkPlaylist(fetch: Fetch, url: string): Promise<void> {
  let response: Response
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  } catch {
    throw new Unreachable(url)
  }
  if (!response.ok) throw await refusal(response)
}
