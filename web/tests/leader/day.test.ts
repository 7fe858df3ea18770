import { describe, expect, it } from 'vitest'
import type { Group } from '../../src/lib/base/wire'
import {
  type LeaderGroup,
  type LeaderOrder,
  gapOf,
  groupsByNeed,
  ordersAt,
  stageOf,
  tabOf,
  toDeliver,
} from '../../src/lib/leader/day'

const group = (id: string, state: Group['state'], ends_at_ms: number, joined = 2): LeaderGroup => ({
  group: { id, product_id: 'tea', estate_id: 'e1', joined, target: 5, price_fen: 100, state, ends_at_ms },
  name: { zh: '茶', en: 'tea' },
  unit: { zh: '盒', en: 'box' },
  image: '',
  list_price_fen: 200,
  room_id: 'demo',
})

describe("a leader's day", () => {
  it('lists groups that lack neighbours first, then complete ones, then those that ended', () => {
    const groups = [
      group('ended', 'done', 900),
      group('complete', 'reached', 1500),
      group('later', 'open', 3000),
      group('soon', 'open', 2000),
    ]
    expect(groupsByNeed(groups, 1000).map((one) => one.group.id)).toEqual([
      'soon',
      'later',
      'complete',
      'ended',
    ])
  })
  it('counts what a group lacks, and nothing beyond its target', () => {
    expect(gapOf(group('a', 'open', 1).group)).toBe(3)
    expect(gapOf(group('a', 'reached', 1, 7).group)).toBe(0)
  })
  it('has what is brought to doors on the walk and not among what is collected', () => {
    const orders = ['pickup', 'delivery'].map((fulfilment) => ({
      id: fulfilment,
      state: 'ready',
      fulfilment,
    }))
    const ids = (found: LeaderOrder[]) => found.map(({ id }) => id)
    expect(ids(ordersAt(orders as LeaderOrder[], 'ready'))).toEqual(['pickup'])
    expect(ids(toDeliver(orders as LeaderOrder[]))).toEqual(['delivery'])
  })
  it('puts what the store works on into one stage', () => {
    expect((['new', 'picking', 'packed', 'ready', 'cancelled'] as const).map(stageOf)).toEqual([
      'coming',
      'coming',
      'coming',
      'ready',
      null,
    ])
  })
  it('opens the tab of the address, else the first', () => {
    expect([tabOf('#orders'), tabOf('#nothing')]).toEqual(['orders', 'today'])
  })
})
