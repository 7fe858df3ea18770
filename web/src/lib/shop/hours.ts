/** When a store is open. Times of day are those of China (UTC+8). */
import type { AtMs } from '../base/wire'

const CHINA_MS = 8 * 3_600_000

/** The hours of the day of `at_ms`: `07:30–21:00`, empty for closed; null when the store states none. */
export function hoursToday(openingHours: string[], at_ms: AtMs): string | null {
  if (openingHours.length !== 7) return null
  const fromMonday = (new Date(at_ms + CHINA_MS).getUTCDay() + 6) % 7
  return (openingHours[fromMonday] ?? '').replace('-', '–')
}
