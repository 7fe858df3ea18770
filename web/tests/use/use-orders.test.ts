import { effectScope, nextTick, ref } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Unreachable } from '../../src/lib/base/api'
import type { Guest } from '../../src/lib/base/bodies'
import type { Order } from '../../src/lib/base/wire'
import type { GuestModel } from '../../src/use/use-guest'
import { order } from '../support/fixtures'

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('window', {
    addEventListener: vi.fn(),
    removeEventListener: vi.fn(),
    setTimeout,
    clearTimeout,
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

it('shows and sends what is of the guest of now', async () => {
  const { useOrders } = await import('../../src/use/use-orders')
  const self = (id: string) => ({ id, nickname: id, estate_id: 'e1' }) as Guest
  const guest = ref<Guest | null>(self('one'))
  const listed: Record<string, Order[]> = { one: [order({ id: 'o1' })], two: [order({ id: 'o2' })] }
  const sentAs: string[] = []
  const model = {
    guest,
    token: () => guest.value?.id ?? null,
    renew: async () => false,
    api: {
      myOrders: async () => listed[guest.value!.id],
      placeOrder: async () => {
        sentAs.push(guest.value!.id)
        throw new Unreachable('x')
      },
    },
  } as unknown as GuestModel
  const scope = effectScope()
  const orders = scope.run(() => useOrders(model, () => undefined))!
  await orders.refresh()
  orders.desk.submit({ room_id: 'demo', product_id: 'spinach', quantity: 1, price_fen: 990 })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(orders.attempts.get('spinach')?.phase).toBe('offline')

  guest.value = self('two')
  expect([...orders.attempts]).toEqual([])
  expect(orders.orders.value).toEqual([])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(orders.orders.value.map(({ id }) => id)).toEqual(['o2'])
  expect(new Set(sentAs)).toEqual(new Set(['one']))

  guest.value = null
  await nextTick()
  expect(orders.orders.value.map(({ id }) => id)).toEqual(['o2'])
  scope.stop()
})
