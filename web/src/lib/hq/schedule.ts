/** The scheduled lives of a brand by the days of a week. */
import type { LocalText } from '../base/wire'

export interface PlannedLive {
  id: string
  room_id: string
  title: string
  teaser: string
  product_ids: string[]
  starts_at_ms: number
  /** Another live of the room is less than an hour away. */
  conflict: boolean
}
export interface PlannedRoom {
  id: string
  title: LocalText
  store: LocalText
}
export interface Plan {
  rooms: PlannedRoom[]
  lives: PlannedLive[]
}

/** The seven days from Monday on, each by its first moment, in this browser's time. */
export function weekOf(at_ms: number, weeks = 0): Date[] {
  const day = new Date(at_ms)
  const monday = day.getDate() - ((day.getDay() + 6) % 7) + 7 * weeks
  return Array.from({ length: 7 }, (_, n) => new Date(day.getFullYear(), day.getMonth(), monday + n))
}

/** The first moment after a week. */
export function endOf(week: readonly Date[]): Date {
  const last = week[6]!
  return new Date(last.getFullYear(), last.getMonth(), last.getDate() + 1)
}

/** The lives of each day, in their order. */
export function byDay(week: readonly Date[], lives: readonly PlannedLive[]): PlannedLive[][] {
  const ends = [...week.slice(1), endOf(week)]
  return week.map((from, n) =>
    lives.filter(({ starts_at_ms }) => starts_at_ms >= from.getTime() && starts_at_ms < ends[n]!.getTime()),
  )
}

/** A moment as a field `datetime-local` has it. */
export function asField(at_ms: number): string {
  const at = new Date(at_ms)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`
}
