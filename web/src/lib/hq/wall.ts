/** The wall of the head office: its whole, what events change in it, and what of it belongs to a part of the brand. */
import type {
  WallCabinets,
  WallChanged,
  WallEstate,
  WallFigures,
  WallLive,
  WallRatings,
  WallSource,
} from '../base/wire'
import type { MapPlace, PlaceMap } from './places'

/** What `GET /api/hq/wall` answers. */
export interface ShownWall {
  brand_id: string
  made_at_ms: number
  behind: number
  figures: WallFigures
  stock_outs: number
  /** GMV by ten minutes from midnight in China, up to now. */
  curve: number[]
  /** The same of the whole day a week ago. */
  last_week: number[] | null
  /** Whether some of that day is simulated, or of other shops. */
  last_week_simulated: boolean
  estates: WallEstate[]
  lives: WallLive[]
  sources: WallSource[]
  /** From a worker that counts them. */
  ratings?: WallRatings
  cabinets?: WallCabinets
}

/** A part of the brand: `''` is all of it. */
export interface Scope {
  kind: '' | 'city' | 'store' | 'estate'
  id: string
}
export interface ScopeFigures {
  gmv_fen: number
  orders: number
  refunded_fen: number
  groups: number
}
export type Freshness = 'fresh' | 'slow' | 'stale'

/** An age from which the wall says that it is slow, and that it is stale, ms. */
const SLOW_MS = 5_000
const STALE_MS = 20_000
const MINUTE_MS = 60_000

/** The wall after an event. */
export function withEvent(wall: ShownWall, event: WallChanged): ShownWall {
  const { figures } = event
  const isNewDay = figures.day !== wall.figures.day
  const curve = isNewDay ? [] : wall.curve.slice()
  while (curve.length <= figures.bucket) curve.push(0)
  curve[figures.bucket] = figures.bucket_gmv_fen
  return {
    ...wall,
    made_at_ms: event.made_at_ms,
    behind: event.behind,
    figures,
    stock_outs: event.stock_outs,
    curve,
    last_week: isNewDay ? null : wall.last_week,
    last_week_simulated: !isNewDay && wall.last_week_simulated,
    estates: merged(isNewDay ? [] : wall.estates, event.estates, (estate) => estate.id),
    lives: merged(wall.lives, event.lives, (live) => live.room_id).filter((live) => isOnAir(live)),
    sources: event.sources,
    ratings: event.ratings ?? wall.ratings,
    cabinets: event.cabinets ?? wall.cabinets,
  }
}

/** Whether there is a curve of last week that the wall does not have, as events do not bring it. */
export function lacksLastWeek({ figures, last_week }: ShownWall): boolean {
  return figures.last_week_gmv_fen !== null && last_week === null
}

/** The mean of orders a minute, over the minutes before this one and what has passed of it. */
export function ordersPerMinute(byMinute: number[], minutes: number, now_ms: number): number {
  const orders = byMinute.slice(-minutes - 1).reduce((sum, count) => sum + count, 0)
  return orders / (minutes + (now_ms % MINUTE_MS) / MINUTE_MS)
}

/** Running sums, as a chart of the day shows them. */
export function cumulative(buckets: number[]): number[] {
  let sum = 0
  return buckets.map((value) => (sum += value))
}

/** The scope that a part of an address names: `store/s1`. */
export function parseScope(rest: string): Scope {
  const [kind = '', id = ''] = rest.split('/')
  return id && (kind === 'city' || kind === 'store' || kind === 'estate')
    ? { kind, id }
    : { kind: '', id: '' }
}

/** The estates of a scope. */
export function estatesIn(places: PlaceMap, scope: Scope): MapPlace[] {
  const member = { '': null, city: 'city_id', store: 'store_id', estate: 'id' }[scope.kind] as
    'city_id' | 'store_id' | 'id' | null
  return member ? places.estates.filter((estate) => estate[member] === scope.id) : places.estates
}

/** The lives of a scope: those of the stores that serve its estates first. */
export function livesIn(lives: WallLive[], places: PlaceMap, scope: Scope): WallLive[] {
  if (!scope.kind) return lives
  const stores = new Set(estatesIn(places, scope).map((estate) => estate.store_id))
  if (scope.kind === 'store') stores.add(scope.id)
  return lives.filter((live) => stores.has(live.store_id))
}

/** The sums of a scope. */
export function sumsOf(estates: WallEstate[], within: MapPlace[]): ScopeFigures {
  const ids = new Set(within.map((estate) => estate.id))
  const sums = { gmv_fen: 0, orders: 0, refunded_fen: 0, groups: 0 }
  for (const estate of estates.filter(({ id }) => ids.has(id))) {
    sums.gmv_fen += estate.gmv_fen
    sums.orders += estate.orders
    sums.refunded_fen += estate.refunded_fen
    sums.groups += estate.groups
  }
  return sums
}

/** A count, by thousands. */
export function count(of: number): string {
  return of.toLocaleString('en-US')
}

/** A change in percent, null where there is nothing to compare with. */
export function change(now: number, before: number | null): number | null {
  return before === null || before <= 0 ? null : Math.round(((now - before) / before) * 100)
}

/** A share in whole percent, null of nothing. */
export function share(part: number, of: number): number | null {
  return of > 0 ? Math.round((100 * part) / of) : null
}

/** The mean of stars, null of none. */
export function meanStars(ratings: WallRatings | undefined): string | null {
  return ratings && ratings.count > 0 ? (ratings.stars / ratings.count).toFixed(1) : null
}

export function freshness(age_ms: number, behind: number): Freshness {
  if (age_ms >= STALE_MS) return 'stale'
  return age_ms >= SLOW_MS || behind > 0 ? 'slow' : 'fresh'
}

/** How strongly a place is filled: 0 to 1, by the square root, so that small estates are seen beside large ones. */
export function heat(gmv_fen: number, most_fen: number): number {
  return most_fen > 0 ? Math.sqrt(Math.max(0, gmv_fen) / most_fen) : 0
}

function isOnAir(live: WallLive): boolean {
  return live.state === 'live' || live.state === 'paused'
}

function merged<T>(before: T[], changed: T[], key: (item: T) => string): T[] {
  const byKey = new Map(before.map((item) => [key(item), item]))
  for (const item of changed) byKey.set(key(item), item)
  return [...byKey.values()]
}

/** Rows above and below those in sight that are drawn, too. */
const ROWS_BESIDE = 6

/** Which rows of one height are in sight of a box that is scrolled down by `top_px`. */
export function rowsInSight(
  top_px: number,
  height_px: number,
  row_px: number,
  rows: number,
): { first: number; end: number } {
  const shown = Math.ceil(height_px / row_px) + 2 * ROWS_BESIDE
  const first = Math.min(Math.floor(top_px / row_px) - ROWS_BESIDE, rows - shown)
  return { first: Math.max(0, first), end: Math.min(rows, Math.max(0, first) + shown) }
}
