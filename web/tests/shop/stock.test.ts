import { describe, expect, it } from 'vitest'
import {
  checked,
  codeOf,
  emptyDraft,
  freshness,
  matching,
  priceOf,
  withRow,
  type StockRow,
} from '../../src/lib/shop/stock'
import { tabOf } from '../../src/lib/shop/store-desk'

const NOW = Date.UTC(2026, 4, 1, 4)
const row = (more: Partial<StockRow> = {}): StockRow => ({
  product_id: 'tea',
  name: { zh: '龙井茶', en: 'Longjing tea' },
  unit: { zh: '盒', en: 'box' },
  image: '/goods/tea.svg',
  price_fen: 990,
  on_hand: 7,
  held: 2,
  available: 5,
  coming: 0,
  lots: [],
  own_price: null,
  ...more,
})
const draft = (more: object) => ({ ...emptyDraft(), ...more })

describe('the forms of the stock', () => {
  it('send a delivery with the end of its last day and its cost in fen', () => {
    const typed = draft({ units: ' 12 ', date: '2026-05-03', supplier: ' 茶场 ', cost: '3.5' })
    expect(checked('receive', typed, row(), NOW)).toEqual({
      path: 'deliveries',
      body: {
        product_id: 'tea',
        units: 12,
        best_before_ms: new Date(2026, 4, 4).getTime() - 1,
        supplier: '茶场',
        cost_fen: 350,
      },
    })
  })
  it('send a count with what the list said', () => {
    const sent = checked('count', draft({ units: '0' }), row(), NOW)
    expect(sent).toEqual({ path: 'counts', body: { product_id: 'tea', units: 0, was: 7 } })
  })
  it('send a write-off with its reason and lot', () => {
    const typed = draft({ units: '1', reason: 'short_weight', lot_id: 'l1' })
    expect(checked('write_off', typed, row(), NOW)).toEqual({
      path: 'write-offs',
      body: { product_id: 'tea', units: 1, reason: 'short_weight', lot_id: 'l1' },
    })
  })
  it('send a transfer with where it goes', () => {
    const sent = checked('send', draft({ units: '2', to_store_id: 's2' }), row(), NOW)
    const body = { product_id: 'tea', units: 2, to_store_id: 's2' }
    expect(sent).toEqual({ path: 'transfers', body })
  })
  it.each([
    ['send', { units: '2' }, 'to'],
    ['receive', { units: '' }, 'units'],
    ['receive', { units: '0' }, 'units'],
    ['receive', { units: '1.5' }, 'units'],
    ['write_off', { units: '-1' }, 'units'],
    ['receive', { units: '1', date: '2026-04-30' }, 'date'],
    ['receive', { units: '1', cost: '1.234' }, 'cost'],
  ] as const)('name the field of a %s that is wrong', (change, typed, wrong) => {
    expect(checked(change, draft(typed), row(), NOW)).toEqual({ wrong })
  })
})

describe('the list of the stock', () => {
  it('marks lots by how long they can be sold', () => {
    const until = (best_before_ms: number | null) =>
      freshness({ id: 'l', units: 1, best_before_ms, supplier: '', received_at_ms: 0 }, NOW)
    expect([until(null), until(NOW + 3 * 86_400_000), until(NOW + 1), until(NOW)]).toEqual([
      'fresh',
      'fresh',
      'soon',
      'expired',
    ])
  })
  it('finds products in either language and takes a changed row', () => {
    const rows = [row(), row({ product_id: 'pear', name: { zh: '梨', en: 'Pear' } })]
    expect(matching(rows, ' 龙井 ').map((one) => one.product_id)).toEqual(['tea'])
    expect(matching(rows, 'PEAR').map((one) => one.product_id)).toEqual(['pear'])
    expect(matching(rows, '').length).toBe(2)
    expect(withRow(rows, row({ on_hand: 1 })).map((one) => one.on_hand)).toEqual([1, 7])
  })
})

it('the address of the store’s page names its tab', () => {
  expect([tabOf('#stock'), tabOf(''), tabOf('#nothing')]).toEqual(['stock', 'orders', 'orders'])
})

describe('a price of the store', () => {
  it('is one within the bounds of the head office', () => {
    const own_price = { min_fen: 800, max_fen: 1200, price_fen: null, hq_price_fen: 990 }
    expect(priceOf('8.80', row({ own_price }))).toBe(880)
    expect(priceOf('12', row({ own_price }))).toBe(1200)
    for (const typed of ['7.99', '12.01', 'cheap', '']) expect(priceOf(typed, row({ own_price }))).toBeNull()
    expect(priceOf('9', row())).toBeNull()
  })
})

it('knows a scanned code from words', () => {
  expect(codeOf(' 6901234567892 ')).toBe('6901234567892')
  expect(codeOf('690')).toBeNull()
  expect(codeOf('龙井')).toBeNull()
})
