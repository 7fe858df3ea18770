/** A room as it was during a recorded live: its messages once more, through the reducer of the live page. */
import type { Answer, Shown } from '../base/bodies'
import type { RoomState } from '../base/wire'
import { EMPTY_ROOM, reduce } from './room-state'

export class ReplayRoom {
  #state: RoomState = EMPTY_ROOM
  #next = 0

  /** `shown` is in the order of time. */
  constructor(private readonly shown: readonly Shown[]) {}

  /** The room after `seconds` of the recording; times may go back and forth. */
  at(seconds: number): RoomState {
    const before = this.shown[this.#next - 1]
    if (before && before.s > seconds) {
      this.#state = EMPTY_ROOM
      this.#next = 0
    }
    for (;;) {
      const message = this.shown[this.#next]
      if (!message || message.s > seconds) return this.#state
      this.#state = reduce(this.#state, message.m)
      this.#next += 1
    }
  }
}

/** The host marks a question once it is answered: what was said begins before that, ms. */
const ANSWER_LEAD_MS = 15_000

/** Where the answer to a question begins, ms; null: the recording does not have it. */
export const answerFrom = ({ start_ms }: Answer): number | null =>
  start_ms === null ? null : Math.max(0, start_ms - ANSWER_LEAD_MS)

/** A place in a recording, as players write it: 1:02:03 or 4:05. */
export function placeOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}

/** The milliseconds that `text` stands for, null when it is no place. */
export function placeIn(text: string): number | null {
  if (!/^\d{1,2}(:[0-5]?\d){1,2}$/.test(text.trim())) return null
  return (
    text
      .trim()
      .split(':')
      .reduce((sum, part) => sum * 60 + Number(part), 0) * 1000
  )
}
