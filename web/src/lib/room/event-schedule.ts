/**
 * Holds numbered events back until the frame of their media time is on the screen, in their order. Where no frames come,
 * nothing is held.
 */
import type { Timers } from '../base/timers'

/** No road is later than this; an event that waits longer has no frame, ms. */
export const HELD_MAX_MS = 12_000
/** So long without a frame, and it is asked whether one can come: not if the video is paused, or the page hidden, ms. */
export const NO_FRAME_MS = 500

interface ScheduleWorld<T> {
  timers: Timers
  release: (item: T) => void
  /** Call `onFrame` once with the media time of the next frame that is shown; null where the browser does not say. */
  nextFrame: (onFrame: (media_time: number | null) => void) => void
  /** Whether the video plays, if it has something to play. */
  expectsFrames: () => boolean
  isDue: (media_time: number, shown: number) => boolean
}

interface Held<T> {
  item: T
  media_time: number
  until_ms: number
}

export class EventSchedule<T> {
  #held: Held<T>[] = []
  #asked = 0
  #cancel: () => void = () => undefined

  constructor(private readonly world: ScheduleWorld<T>) {}

  /** Release `item` with its frame; at once, and all before it, where it has none. */
  push(item: T, media_time: number | null): void {
    if (media_time === null) {
      this.releaseAll()
      return this.world.release(item)
    }
    this.#held.push({ item, media_time, until_ms: this.world.timers.now() + HELD_MAX_MS })
    if (this.#held.length === 1) this.#ask()
  }

  /** Forget what is held: a snapshot has it. */
  clear(): void {
    this.#held = []
    this.#stop()
  }

  releaseAll(): void {
    const held = this.#held
    this.clear()
    for (const { item } of held) this.world.release(item)
  }

  #ask(): void {
    this.#stop()
    const asked = this.#asked
    this.#watch()
    this.world.nextFrame((shown) => {
      if (asked === this.#asked) this.#onFrame(shown)
    })
  }

  /** While the video stalls events wait for it, but not for long. */
  #watch(): void {
    this.#cancel = this.world.timers.after(NO_FRAME_MS, () => {
      const until_ms = this.#held[0]?.until_ms ?? 0
      if (this.world.expectsFrames() && this.world.timers.now() < until_ms) this.#watch()
      else this.releaseAll()
    })
  }

  #onFrame(shown: number | null): void {
    if (shown === null) return this.releaseAll()
    const now = this.world.timers.now()
    for (let first = this.#held[0]; first; first = this.#held[0]) {
      if (!this.world.isDue(first.media_time, shown) && now < first.until_ms) break
      this.#held.shift()
      this.world.release(first.item)
    }
    if (this.#held.length > 0) this.#ask()
    else this.#stop()
  }

  #stop(): void {
    this.#asked += 1
    this.#cancel()
  }
}
