/** The times of the next presale: Friday 20:00, packed by Saturday 10:00, handed over until 12:00, in local time. */

const FRIDAY = 5
const WEEK_DAYS = 7

/** A moment as `datetime-local` writes it. */
function local(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** What the form of a new presale begins with: the next Friday whose cut-off is to come. */
export function nextPresale(now_ms: number): { cut_off: string; ready: string; until: string } {
  const friday = new Date(now_ms)
  friday.setDate(friday.getDate() + ((FRIDAY - friday.getDay() + WEEK_DAYS) % WEEK_DAYS))
  friday.setHours(20, 0, 0, 0)
  if (friday.getTime() <= now_ms) friday.setDate(friday.getDate() + WEEK_DAYS)
  const at = (hour: number) => {
    const saturday = new Date(friday)
    saturday.setDate(saturday.getDate() + 1)
    saturday.setHours(hour, 0, 0, 0)
    return local(saturday)
  }
  return { cut_off: local(friday), ready: at(10), until: at(12) }
}
