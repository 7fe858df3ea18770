/** The server's clock as seen from here, and times as text. Local time is monotonic ms and says nothing about the date. */
import type { AtMs } from '../base/wire'
import type { Locale } from '../base/locale'

/** A sample this much older than the best one replaces it even with a longer round trip, ms. */
const SAMPLE_LIFETIME_MS = 10 * 60_000

export interface ClockSample {
  /** Server time minus local monotonic time, ms. */
  offset_ms: number
  /** Half of it is the error bound, ms. */
  round_trip_ms: number
  taken_ms: number
}

/** A sample from a ping sent at `sent_ms` and its pong received at `received_ms` (local), with `at_ms` (server). */
export function clockSample(sent_ms: number, received_ms: number, at_ms: AtMs): ClockSample {
  const round_trip_ms = Math.max(0, received_ms - sent_ms)
  return { offset_ms: at_ms - (sent_ms + round_trip_ms / 2), round_trip_ms, taken_ms: received_ms }
}

/** The sample to go by: the shortest round trip wins until it is old. */
export function betterSample(best: ClockSample | null, sample: ClockSample): ClockSample {
  if (!best || sample.round_trip_ms <= best.round_trip_ms) return sample
  return sample.taken_ms - best.taken_ms > SAMPLE_LIFETIME_MS ? sample : best
}

/** `mm:ss` (or `h:mm:ss`) left until `ends_at_ms`; never negative. A started second counts as a whole one. */
export function countdown(ends_at_ms: AtMs, at_ms: AtMs): string {
  return clockText(Math.max(0, Math.ceil((ends_at_ms - at_ms) / 1000)))
}

/** `hh:mm:ss` of a span, for one that is counted in days, too. */
export function hoursText(span_ms: number): string {
  const text = clockText(Math.ceil(span_ms / 1000))
  return text.length > 5 ? text : `0:${text}`
}

/** Time gone since `started_at_ms`, as `mm:ss` or `h:mm:ss`. */
export function elapsed(started_at_ms: AtMs, at_ms: AtMs): string {
  return clockText(Math.max(0, Math.floor((at_ms - started_at_ms) / 1000)))
}

function clockText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`
  return hours > 0 ? `${hours}:${rest}` : rest
}

type Urgency = 'calm' | 'soon' | 'late'
/** From here on a shop's clock turns orange, ms. */
export const SOON_MS = 10 * 60_000

/** How pressing an order is by the time left until it is due. */
export function urgency(due_at_ms: AtMs, at_ms: AtMs): Urgency {
  const left_ms = due_at_ms - at_ms
  if (left_ms < 0) return 'late'
  return left_ms <= SOON_MS ? 'soon' : 'calm'
}

/** Hours and minutes of a moment, in the reader's time zone. */
export function timeOfDay(at_ms: AtMs, locale: Locale): string {
  return new Intl.DateTimeFormat(locale === 'zh' ? 'zh-CN' : 'en-GB', {
    hour: '2-digit',
    minute: '2-digit',
  }).format(at_ms)
}

/** Day, hours and minutes of a moment, in the reader's time zone. */
export function dayAndTime(at_ms: AtMs, locale: Locale): string {
  return new Intl.DateTimeFormat(locale === 'zh' ? 'zh-CN' : 'en-GB', {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(at_ms)
}
