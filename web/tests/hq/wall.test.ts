import { describe, expect, test } from 'vitest'
import type { WallChanged, WallEstate, WallFigures, WallLive } from '../../src/lib/base/wire'
import type { PlaceMap } from '../../src/lib/hq/places'
import {
  type ShownWall,
  change,
  cumulative,
  estatesIn,
  freshness,
  heat,
  lacksLastWeek,
  livesIn,
  meanStars,
  ordersPerMinute,
  parseScope,
  rowsInSight,
  share,
  sumsOf,
  withEvent,
} from '../../src/lib/hq/wall'
import { linesOf, shortened } from '../../src/parts/hq/wall/picture'

const name = { zh: '名', en: 'name' }
const figures: WallFigures = {
  day: '2026-11-28',
  gmv_fen: 1000,
  paid_fen: 1000,
  refunded_fen: 0,
  orders: 1,
  units: 1,
  refunds: 0,
  orders_by_minute: [0, 1],
  bucket: 2,
  bucket_gmv_fen: 400,
  last_week_gmv_fen: null,
  open_orders: 1,
  late_orders: 0,
  packed: 0,
  packed_on_time: 0,
  groups_open: 0,
  groups_reached: 0,
  groups_expiring: 0,
  groups_reached_today: 0,
  groups_expired_today: 0,
}
const estate = (id: string, gmv_fen: number): WallEstate => ({
  id,
  gmv_fen,
  orders: 1,
  refunded_fen: 5,
  groups: 2,
})
const live = (room_id: string, store_id: string, state: WallLive['state'] = 'live'): WallLive => ({
  room_id,
  title: name,
  store_id,
  state,
  started_at_ms: 1,
  viewers: 3,
  orders: 0,
  gmv_fen: 0,
})
const wall: ShownWall = {
  brand_id: 'b',
  made_at_ms: 1,
  behind: 0,
  figures,
  stock_outs: 0,
  curve: [100, 500, 400],
  last_week: null,
  last_week_simulated: false,
  estates: [estate('e1', 700), estate('e2', 300)],
  lives: [live('r1', 's1'), live('r2', 's2')],
  sources: [],
}
const event = (over: Partial<WallChanged>): WallChanged => ({
  k: 'wall',
  o: 1,
  at_ms: 2,
  made_at_ms: 2,
  behind: 0,
  figures,
  stock_outs: 1,
  estates: [],
  lives: [],
  sources: [],
  ratings: { count: 2, stars: 9 },
  cabinets: { count: 3, alarms: 1, out_of_range: 1 },
  ...over,
})
const place = (id: string, city_id: string, store_id: string) => ({
  id,
  name,
  city_id,
  store_id,
  latitude: 30,
  longitude: 120,
  outline: [] as [number, number][],
})
const places: PlaceMap = {
  estates: [place('e1', 'c1', 's1'), place('e2', 'c1', 's2'), place('e3', 'c2', 's2')],
  stores: [],
  warehouses: [],
}

describe('the wall after an event', () => {
  test('has its estates and lives, and the others as they were', () => {
    const next = withEvent(wall, event({ estates: [estate('e2', 900)], lives: [live('r2', 's2', 'over')] }))
    expect(next.estates.map(({ gmv_fen }) => gmv_fen)).toEqual([700, 900])
    expect(next.lives.map(({ room_id }) => room_id)).toEqual(['r1'])
    expect(next.stock_outs).toBe(1)
    expect([next.cabinets?.alarms, meanStars(next.ratings), meanStars(wall.ratings)]).toEqual([
      1,
      '4.5',
      null,
    ])
  })
  test('has the newest ten minutes of its curve, with those between that had no event', () => {
    const next = withEvent(wall, event({ figures: { ...figures, bucket: 4, bucket_gmv_fen: 60 } }))
    expect(next.curve).toEqual([100, 500, 400, 0, 60])
    expect(cumulative(next.curve).at(-1)).toBe(1060)
  })
  test('begins anew at midnight', () => {
    const next = withEvent(
      wall,
      event({ figures: { ...figures, day: '2026-11-29', bucket: 0, bucket_gmv_fen: 7 } }),
    )
    expect([next.curve, next.estates]).toEqual([[7], []])
  })
})

test('a part of the brand has the sums of its estates and the lives of its stores', () => {
  const scope = parseScope('store/s2')
  expect(estatesIn(places, scope).map(({ id }) => id)).toEqual(['e2', 'e3'])
  expect(sumsOf(wall.estates, estatesIn(places, scope))).toEqual({
    gmv_fen: 300,
    orders: 1,
    refunded_fen: 5,
    groups: 2,
  })
  expect(livesIn(wall.lives, places, scope).map(({ room_id }) => room_id)).toEqual(['r2'])
  expect(estatesIn(places, parseScope('city/c1')).length).toBe(2)
  expect(parseScope('planet/x')).toEqual({ kind: '', id: '' })
})

test('shares and changes of nothing are not shown', () => {
  expect([share(1, 3), share(0, 0), change(150, 100), change(1, null), change(1, 0)]).toEqual([
    33,
    null,
    50,
    null,
    null,
  ])
  expect([heat(25, 100), heat(-5, 100), heat(1, 0)]).toEqual([0.5, 0, 0])
})

test('a wall says when it is behind', () => {
  expect([freshness(900, 0), freshness(900, 3), freshness(6_000, 0), freshness(60_000, 0)]).toEqual([
    'fresh',
    'slow',
    'slow',
    'stale',
  ])
})

test('last week is fetched once there is one, and is of another day after midnight', () => {
  const known = { ...figures, last_week_gmv_fen: 5 }
  const shown = { ...wall, figures: known, last_week: [5], last_week_simulated: true }
  expect([lacksLastWeek(wall), lacksLastWeek({ ...wall, figures: known }), lacksLastWeek(shown)]).toEqual([
    false,
    true,
    false,
  ])
  expect(withEvent(shown, event({ figures: known })).last_week_simulated).toBe(true)
  const next = withEvent(shown, event({ figures: { ...known, day: '2026-11-29', bucket: 0 } }))
  expect([next.last_week, next.last_week_simulated, lacksLastWeek(next)]).toEqual([null, false, true])
})

test('orders of this minute count in what a minute has', () => {
  const minutes = [9, ...Array.from({ length: 9 }, () => 0), 1, 5]
  expect(ordersPerMinute(minutes, 10, 600_000 + 30_000)).toBeCloseTo(6 / 10.5)
  expect(ordersPerMinute([0, 1], 10, 60_000)).toBeCloseTo(0.1)
  expect(ordersPerMinute([], 10, 0)).toBe(0)
})

test('a note of the picture is broken into lines that fit', () => {
  const measure = (text: string) => [...text].length
  expect(linesOf('Today 12 reached, 3 expired', 10, measure)).toEqual(['Today 12', 'reached, 3', 'expired'])
  expect(linesOf('今日成团 12，未成 3', 6, measure)).toEqual(['今日成团', '12，未成', '3'])
  expect([linesOf('', 10, measure), linesOf('unbreakable', 4, measure)]).toEqual([[], ['unbreakable']])
  expect([shortened('Kitchen', 7, measure), shortened('Weekend kitchen', 8, measure)]).toEqual([
    'Kitchen',
    'Weekend…',
  ])
})

describe('rows of many lives', () => {
  test('those in sight are drawn, with some above and below, and never more', () => {
    expect(rowsInSight(0, 320, 58, 300)).toEqual({ first: 0, end: 18 })
    expect(rowsInSight(5_800, 320, 58, 300)).toEqual({ first: 94, end: 112 })
    expect(rowsInSight(58 * 300, 320, 58, 300)).toEqual({ first: 282, end: 300 })
  })
  test('a list that became short is drawn whole', () => {
    expect(rowsInSight(9_000, 320, 58, 12)).toEqual({ first: 0, end: 12 })
  })
})
