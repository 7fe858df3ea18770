/** What a room shows of the lives that it is going to have; commerce/lives/schedule.py has the same times. */
import type { AtMs, Teaser } from '../base/wire'

/** A live that has not begun this long after its time is no longer expected, ms. */
const LATE_MS = 3_600_000
const DAY_MS = 86_400_000

/** The next live that may still begin. */
export function nextLive(upcoming: readonly Teaser[], atMs: AtMs): Teaser | null {
  return upcoming.find((live) => atMs < live.starts_at_ms + LATE_MS) ?? null
}

/** Whole days until a moment, and the moment within the last of them. */
export function daysUntil(startsAtMs: AtMs, atMs: AtMs): { days: number; rest_ms: number } {
  const left = Math.max(0, startsAtMs - atMs)
  return { days: Math.floor(left / DAY_MS), rest_ms: left % DAY_MS }
}
