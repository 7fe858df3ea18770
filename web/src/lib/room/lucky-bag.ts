/** A room's lucky bag: what is shown of it, and when a page says that it is still there. */
import type { AtMs, Draw } from '../base/wire'

/** A result stays in the room for this long, ms (commerce/activities/draws.py). */
const SHOWN_MS = 300_000
/** Presence counts in this last part of a draw, ms. */
export const PRESENT_MS = 30_000
/** Pages spread what they send over this part of it, and have the rest to try again, ms. */
const SPREAD_MS = 20_000

export type DrawPhase = 'open' | 'drawing' | 'revealed' | 'void'

/** What the room shows of a draw now; null: it shows none. */
export function drawPhase(draw: Draw | null, atMs: AtMs): DrawPhase | null {
  if (!draw || (draw.ended_at_ms !== null && atMs >= draw.ended_at_ms + SHOWN_MS)) return null
  if (draw.state === 'revealed' || draw.state === 'void') return draw.state
  return draw.state === 'open' && atMs < draw.closes_at_ms ? 'open' : 'drawing'
}

/** Whether an entry has to be confirmed now; `share` of the spread, in [0, 1), is this page's own. */
export function presenceIsDue(draw: Draw, atMs: AtMs, share: number): boolean {
  const from_ms = draw.closes_at_ms - PRESENT_MS + share * SPREAD_MS
  return draw.stay && draw.state === 'open' && atMs >= from_ms && atMs < draw.closes_at_ms
}

/** The end of a ticket, enough to find it in a list. */
export const shortTicket = (ticket: string): string => ticket.slice(-6).toUpperCase()
