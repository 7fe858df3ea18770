import { describe, expect, it } from 'vitest'
import { Backoff } from '../src/lib/base/backoff'
import { laneOf, withOrder } from '../src/lib/shop/board'
import { cameraTrouble } from '../src/lib/media/camera'
import { SOON_MS, betterSample, clockSample, countdown, elapsed, urgency } from '../src/lib/room/clock'
import { localText, pickLocale } from '../src/lib/base/locale'
import { money, moneyParts } from '../src/lib/shop/money'
import { offerOf } from '../src/lib/shop/offer'
import type { Attempt } from '../src/lib/shop/order-desk'
import { groupedCode, normaliseCode } from '../src/lib/shop/pickup-code'
import { decodeMessage, encodeMessage } from '../src/lib/base/codec'
import { en } from '../src/i18n/en'
import { zh } from '../src/i18n/zh'
import { card, group, order, storeOrder } from './fixtures'

describe('money', () => {
  it.each([
    [990, '¥9.90'],
    [0, '¥0.00'],
    [5, '¥0.05'],
    [123456789, '¥1,234,567.89'],
  ])('%i fen is %s in both languages', (fen, text) => {
    expect(money(fen, 'zh')).toBe(text)
    expect(money(fen, 'en')).toBe(text)
  })
  it('comes in parts for type of two sizes', () => {
    expect(moneyParts(1205)).toEqual({ symbol: '¥', whole: '12', fraction: '05' })
  })
})

describe('a countdown', () => {
  it('counts a started second, stops at zero, and shows hours only when there are some', () => {
    expect(countdown(61_000, 0)).toBe('01:01')
    expect(countdown(60_001, 0)).toBe('01:01')
    expect(countdown(1, 1000)).toBe('00:00')
    expect(countdown(3_600_000, 0)).toBe('1:00:00')
    expect(elapsed(0, 61_999)).toBe('01:01')
  })
  it('goes by the answer with the shortest round trip', () => {
    const near = clockSample(100, 120, 5_010)
    const far = clockSample(200, 900, 9_999)
    expect(near.offset_ms).toBe(4_900)
    expect(betterSample(near, far)).toBe(near)
    expect(betterSample(far, near)).toBe(near)
    expect(betterSample(near, { ...far, taken_ms: 3_600_000 }).taken_ms).toBe(3_600_000)
  })
  it('presses more the less is left', () => {
    expect([SOON_MS + 1, SOON_MS, 0, -1].map((left) => urgency(left, 0))).toEqual([
      'calm',
      'soon',
      'soon',
      'late',
    ])
  })
})

describe('back-off', () => {
  it('doubles up to its limit, keeps half of each wait, and begins again', () => {
    const shortest = new Backoff(() => 0)
    const longest = new Backoff(() => 1)
    expect([1, 2, 3, 4, 5, 6, 7].map(() => shortest.next())).toEqual([
      500, 1000, 2000, 4000, 8000, 15_000, 15_000,
    ])
    expect(longest.next()).toBe(1000)
    longest.next()
    longest.reset()
    expect(longest.next()).toBe(1000)
  })
  it('never comes sooner than the server asks', () => {
    expect(new Backoff(() => 0).next(9000)).toBe(9000)
  })
})

describe('a pickup code', () => {
  it.each(['7kq2m9xd4f', '7KQ2-M9XD-4F', ' 7kq2 m9xd 4f ', '7KQ2M9XD4F'])(
    'is the same however typed: %s',
    (typed) => {
      expect(groupedCode(typed)).toBe('7KQ2-M9XD-4F')
    },
  )
  it('reads the letters that look like digits as digits', () => {
    expect(normaliseCode('oOiIlL')).toBe('001111')
  })
})

describe('the language', () => {
  it.each([
    [null, ['zh-TW', 'en'], 'zh'],
    [null, ['fr-FR', 'en-US'], 'en'],
    [null, ['fr-FR'], 'en'],
    [null, [], 'zh'],
    ['en', ['zh-CN'], 'en'],
    ['xx', ['zh-CN'], 'zh'],
  ] as const)('remembered %s, browser %j → %s', (remembered, languages, expected) => {
    expect(pickLocale(remembered, languages)).toBe(expected)
  })
  it('falls back to the text there is', () => {
    expect(localText({ zh: '菠菜', en: '' }, 'en')).toBe('菠菜')
    expect(localText(null, 'zh')).toBe('')
  })
  it('has the line of the brief, to the letter', () => {
    expect(zh.group.open).toBe('本小区已有 {joined} 位邻居参团,还差 {left} 人成团!')
    expect(en.group.open).toContain('{joined} neighbours joined, {left} to go!')
  })
  it('names the same placeholders in both', () => {
    const names = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
    for (const [section, words] of Object.entries(zh))
      for (const [key, text] of Object.entries(words))
        expect(
          names(((en as never)[section] as Record<string, string>)[key] ?? ''),
          `${section}.${key}`,
        ).toEqual(names(text))
  })
})

describe('the wire', () => {
  it('is read in both codecs, and nonsense is ignored', () => {
    const ping = { t: 'ping', id: 3 } as const
    expect(decodeMessage(encodeMessage(ping, 'linli.v1.json') as string)).toEqual(ping)
    expect(decodeMessage(encodeMessage(ping, 'linli.v1.msgpack') as Uint8Array)).toEqual(ping)
    for (const nonsense of ['', '{', '[]', 'null', '{"t":1}', new Uint8Array([0xc1])])
      expect(decodeMessage(nonsense)).toBeNull()
  })
})

describe('an offer', () => {
  const attempt = (phase: Attempt['phase'], group_id?: string): Attempt => ({
    key: 'k',
    phase,
    tapped_at_ms: 0,
    order: {
      room_id: 'demo',
      product_id: 'spinach',
      quantity: 1,
      price_fen: 990,
      ...(group_id ? { group_id } : {}),
    },
  })
  it('is to join while the group is open, at its price', () => {
    expect(offerOf(card(), group(), [], null, 0)).toMatchObject({ button: 'join', price_fen: 990 })
  })
  it('is to buy when there is no group, or no longer', () => {
    expect(offerOf(card(), null, [], null, 0)).toMatchObject({ button: 'buy', price_fen: 1290, group: null })
    expect(offerOf(card(), group(), [], null, 10_000)).toMatchObject({ button: 'buy', price_fen: 1290 })
  })
  it('is nothing when it is sold out', () => {
    expect(offerOf(card({ left: 0 }), group(), [], null, 0).button).toBe('sold_out')
  })
  it('says joined from the orders alone, as after a reload, even when the rest is sold out', () => {
    expect(offerOf(card({ left: 0 }), group(), [order()], null, 0).button).toBe('joined')
    expect(offerOf(card(), group(), [order({ state: 'cancelled' })], null, 0).button).toBe('join')
  })
  it('says nothing of a tap on a group that another one has followed', () => {
    expect(offerOf(card(), group({ id: 'g2' }), [], attempt('placed', 'g1'), 0)).toMatchObject({
      button: 'join',
      says: null,
    })
    expect(offerOf(card(), group(), [], attempt('placed', 'g1'), 0)).toMatchObject({
      button: 'joined',
      says: 'placed_group',
    })
  })
  it('can be taken again after a declined payment', () => {
    expect(offerOf(card(), group(), [], attempt('declined', 'g1'), 0)).toMatchObject({
      button: 'join',
      says: 'declined',
    })
  })
  it('waits while a tap is on its way, also without a network', () => {
    expect(offerOf(card(), group(), [], attempt('offline', 'g1'), 0)).toMatchObject({
      button: 'confirming',
      says: 'offline',
    })
  })
})

describe('the board', () => {
  it('puts the most pressing first, and the latest handover', () => {
    const orders = [
      storeOrder({ id: 'b', due_at_ms: 200 }),
      storeOrder({ id: 'a', due_at_ms: 100 }),
      storeOrder({ id: 'x', state: 'handed_over', handed_over_at_ms: 1 }),
      storeOrder({ id: 'y', state: 'handed_over', handed_over_at_ms: 2 }),
    ]
    expect(laneOf(orders, 'new').map((one) => one.id)).toEqual(['a', 'b'])
    expect(laneOf(orders, 'handed_over').map((one) => one.id)).toEqual(['y', 'x'])
  })
  it('takes an order once, however often it is told of it', () => {
    const orders = withOrder(withOrder([], storeOrder()), storeOrder({ state: 'picking' }))
    expect(orders).toHaveLength(1)
    expect(orders[0]?.state).toBe('picking')
  })
})

describe('camera trouble', () => {
  it.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['AbortError', 'busy'],
  ])('%s is %s', (name, trouble) => expect(cameraTrouble(name)).toBe(trouble))
})
