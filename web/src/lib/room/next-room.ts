/** Where a host leads the audience: offered once, with a countdown. */
import type { AtMs, NextRoom } from '../base/wire'

/** Until the page goes there by itself, s. */
export const COUNTDOWN_S = 5

/** Offers that were shown since the page was loaded: who returns to a room is not led away by the same one again. */
export class NextRoomOffers {
  readonly #shown = new Set<string>()

  /** What a room offers now, if it was not shown before. */
  offered(roomId: string, next: NextRoom | null, atMs: AtMs): NextRoom | null {
    if (!next || next.room_id === roomId || atMs >= next.until_ms) return null
    return this.#shown.has(key(roomId, next)) ? null : next
  }

  /** The viewer has gone there, or stays. */
  done(roomId: string, next: NextRoom): void {
    this.#shown.add(key(roomId, next))
  }
}

const key = (roomId: string, next: NextRoom) => `${roomId}|${next.room_id}|${next.until_ms}`
