/** A list of goods that is searched and sorted by hand. */
import type { LocalText } from '../base/wire'

/** Goods that a room lists at most. */
export const LISTED_MAX = 100

/** Move what is at `from` to `to`; places beyond the ends are the ends. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const place = Math.max(0, Math.min(list.length - 1, to))
  const rest = list.filter((_, at) => at !== from)
  const one = list[from]
  return one === undefined ? [...list] : [...rest.slice(0, place), one, ...rest.slice(place)]
}

/** Whether every word of a search is in one of a product's names. */
export function matches(name: LocalText, search: string): boolean {
  const names = `${name.zh} ${name.en}`.normalize('NFKC').toLowerCase()
  const words = search.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean)
  return words.every((word) => names.includes(word))
}
