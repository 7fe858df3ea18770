/** How a promise is said: its day, its times, and by how much it is late. */
import type { AtMs } from '../base/wire'
import type { Locale } from '../base/locale'
import { timeOfDay } from '../room/clock'
import type { Span } from './promise'

const DAY_MS = 86_400_000

/** Which day a moment is on, as seen at `at_ms`. */
export function dayOf(moment_ms: AtMs, at_ms: AtMs): 'today' | 'tomorrow' | 'later' {
  const days = Math.round((midnight(moment_ms) - midnight(at_ms)) / DAY_MS)
  if (days === 0) return 'today'
  return days === 1 ? 'tomorrow' : 'later'
}

function midnight(moment_ms: AtMs): number {
  return new Date(moment_ms).setHours(0, 0, 0, 0)
}

/** `18:30–19:00` */
export function spanText(span: Span, locale: Locale): string {
  return `${timeOfDay(span.from_ms, locale)}–${timeOfDay(span.until_ms, locale)}`
}

/** `Fri 5 Jun 20:00` */
export function momentText(at_ms: AtMs, locale: Locale): string {
  return `${weekday(at_ms, locale)} ${timeOfDay(at_ms, locale)}`
}

/** Whole minutes since a promise has passed, 0 before that. */
export function minutesLate(until_ms: AtMs, at_ms: AtMs): number {
  return Math.max(0, Math.floor((at_ms - until_ms) / 60_000))
}

/** Day of the week and date of a moment, in the reader's time zone. */
export function weekday(at_ms: AtMs, locale: Locale): string {
  return new Intl.DateTimeFormat(locale === 'zh' ? 'zh-CN' : 'en-GB', {
    weekday: 'short',
    month: 'short',
    day: 'numeric',
  }).format(at_ms)
}
