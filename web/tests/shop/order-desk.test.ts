import { beforeEach, describe, expect, it } from 'vitest'
import { type PlaceOrder, type Placed, Refused, Unreachable } from '../../src/lib/base/api'
import { type Attempt, GIVE_UP_MS, OrderDesk } from '../../src/lib/shop/order-desk'
import type { LocalText, Order } from '../../src/lib/base/wire'
import { order } from '../support/fixtures'
import { VirtualTime, settle } from '../support/virtual-time'

const TAP: PlaceOrder = {
  room_id: 'demo',
  product_id: 'spinach',
  group_id: 'g1',
  quantity: 1,
  price_fen: 990,
}
const refused = (status: number, kind = '', retry_ms = 0) => new Refused(status, kind, '', retry_ms, {})

let time: VirtualTime
let keys: string[]
let answers: (Placed | Error)[]
let phases: string[]
let lacking: LocalText | null
let placed: Order[]
let stored: Map<string, string>
let renewals: number
let guest: string | null

function desk(): OrderDesk {
  return new OrderDesk({
    async place(_, key) {
      keys.push(key)
      const answer = answers.shift() ?? new Unreachable('x')
      if (answer instanceof Error) throw answer
      return answer
    },
    renewIdentity: async () => ++renewals > 0,
    newKey: () => `key-${stored.size}-${keys.length}`,
    guestId: () => guest,
    timers: time,
    at: () => time.now(),
    random: () => 0.5,
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
    },
    onChange: (attempt: Attempt) => {
      phases.push(attempt.phase)
      lacking = attempt.lacking ?? null
    },
    onPlaced: (one) => placed.push(one),
  })
}
beforeEach(() => {
  time = new VirtualTime()
  keys = []
  answers = []
  phases = []
  placed = []
  stored = new Map()
  renewals = 0
  guest = 'guest-1'
})

describe('a tap', () => {
  it('becomes an order', async () => {
    answers = [{ done: true, order: order() }]
    desk().submit(TAP)
    await settle()
    expect(phases).toEqual(['confirming', 'placed'])
    expect(placed).toHaveLength(1)
  })

  it('becomes two orders where two stores share it, after one answer that was late', async () => {
    answers = [{ done: false }, { done: true, order: order(), other: order({ id: 'other' }) }]
    desk().submit({ ...TAP, halves: [] })
    await settle()
    await time.pass(60_000)
    await settle()
    expect(placed.map(({ id }) => id)).toEqual([order().id, 'other'])
    expect(new Set(keys).size).toBe(1)
  })

  it('keeps the name of what is sold out', async () => {
    const name = { zh: '豆腐', en: 'Tofu' }
    answers = [new Refused(409, 'sold-out', '', 0, { name })]
    desk().submit(TAP)
    await settle()
    expect(lacking).toEqual(name)
  })
  it.each([
    ['sold-out', 'sold_out'],
    ['already-joined', 'already_joined'],
    ['group-closed', 'closed'],
    ['limit-reached', 'limit'],
    ['not-on-sale', 'not_on_sale'],
    ['no-slot', 'no_slot'],
    ['cut-off', 'cut_off'],
    ['presale-apart', 'apart'],
    ['address-needed', 'address_needed'],
    ['price-changed', 'price_changed'],
    ['something-new', 'refused'],
  ])('answered %s ends as %s and is not retried', async (problem, phase) => {
    answers = [refused(409, problem)]
    desk().submit(TAP)
    await time.pass(GIVE_UP_MS)
    expect(phases.at(-1)).toBe(phase)
    expect(keys).toHaveLength(1)
  })

  it('repeated while the first is in flight is the same order', async () => {
    answers = [
      { done: false, order_id: 'o1' },
      { done: true, order: order() },
    ]
    const one = desk()
    one.submit(TAP)
    one.submit(TAP)
    one.submit(TAP)
    await time.pass(10_000)
    expect(new Set(keys).size).toBe(1)
    expect(placed).toHaveLength(1)
  })

  it('after a final answer is a new order with a new key', async () => {
    answers = [refused(402, 'payment-declined'), { done: true, order: order() }]
    const one = desk()
    one.submit(TAP)
    await settle()
    one.submit(TAP)
    await settle()
    expect(new Set(keys).size).toBe(2)
    expect(phases).toEqual(['confirming', 'declined', 'confirming', 'placed'])
  })
})

describe('a bad network', () => {
  it('keeps the key over every retry', async () => {
    answers = [new Unreachable('x'), refused(503), refused(429, 'rate', 2000), { done: true, order: order() }]
    desk().submit(TAP)
    await time.pass(30_000)
    expect(keys).toHaveLength(4)
    expect(new Set(keys).size).toBe(1)
    expect(phases.at(-1)).toBe('placed')
    expect(phases).toContain('offline')
  })

  it('waits at least as long as the server asks', async () => {
    answers = [refused(429, 'rate', 9000)]
    desk().submit(TAP)
    await time.pass(8_999)
    expect(keys).toHaveLength(1)
    await time.pass(1_500)
    expect(keys).toHaveLength(2)
  })

  it('ends at once when the network is back', async () => {
    const one = desk()
    for (let index = 0; index < 8; index++) answers.push(new Unreachable('x'))
    one.submit(TAP)
    await time.pass(20_000)
    const before = keys.length
    answers = [{ done: true, order: order() }]
    one.wake()
    await settle()
    expect(keys).toHaveLength(before + 1)
    expect(phases.at(-1)).toBe('placed')
  })

  it('survives a reload with the same key', async () => {
    desk().submit(TAP)
    await settle()
    const [first] = keys
    keys = []
    answers = [{ done: true, order: order() }]
    desk().resume()
    await settle()
    expect(keys).toEqual([first])
    expect(JSON.parse(stored.get('linli.attempts') ?? '')).toEqual([])
  })

  it('ends as unknown after a while, and the next tap reuses the key', async () => {
    const one = desk()
    one.submit(TAP)
    await time.pass(GIVE_UP_MS + 60_000)
    expect(phases.at(-1)).toBe('unknown')
    answers = [{ done: true, order: order() }]
    one.submit(TAP)
    await settle()
    expect(new Set(keys).size).toBe(1)
    expect(phases.at(-1)).toBe('placed')
  })
})

describe('an attempt of another guest', () => {
  it('is not sent after a reload', async () => {
    desk().submit(TAP)
    await settle()
    keys = []
    time = new VirtualTime() // the page before is gone
    guest = 'guest-2'
    desk().resume()
    guest = null
    desk().resume()
    await time.pass(1000)
    expect(keys).toEqual([])
  })

  it('is not sent by the page that stays open, and is taken up when its guest is back', async () => {
    const one = desk()
    one.submit(TAP)
    await settle()
    const [first] = keys
    keys = []
    guest = 'guest-2'
    one.changeGuest()
    one.wake()
    await time.pass(60_000)
    expect(keys).toEqual([])
    guest = 'guest-1'
    answers = [{ done: true, order: order() }]
    one.changeGuest()
    await settle()
    expect(keys).toEqual([first])
    expect(placed).toHaveLength(1)
  })

  it('takes no answer for this one', async () => {
    const one = desk()
    answers = [{ done: true, order: order() }]
    one.submit(TAP)
    guest = 'guest-2'
    one.changeGuest()
    await settle()
    expect(placed).toEqual([])
    expect(phases).toEqual(['confirming'])
  })
})

describe('an order not yet confirmed', () => {
  it('is confirmed by a push before the next request', async () => {
    answers = [{ done: false, order_id: 'o1' }]
    const one = desk()
    one.submit(TAP)
    await settle()
    one.seen(order())
    await time.pass(10_000)
    expect(keys).toHaveLength(1)
    expect(phases.at(-1)).toBe('placed')
  })
})

describe('an expired token', () => {
  it('is renewed, and the same order goes out again', async () => {
    answers = [refused(401), { done: true, order: order() }]
    desk().submit(TAP)
    await time.pass(2000)
    expect(renewals).toBe(1)
    expect(new Set(keys).size).toBe(1)
    expect(phases.at(-1)).toBe('placed')
  })
})
