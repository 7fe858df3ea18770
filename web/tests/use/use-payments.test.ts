import { effectScope, nextTick, ref } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Order } from '../../src/lib/base/wire'
import { ServerClock } from '../../src/lib/shop/server-clock'
import type { GuestModel } from '../../src/use/use-guest'
import { order } from '../support/fixtures'

const NOON = Date.UTC(2026, 10, 30, 4)
const DAY_MS = 86_400_000

beforeEach(() => {
  vi.useFakeTimers({ now: NOON })
  vi.stubGlobal('window', { setInterval, clearInterval })
  vi.stubGlobal('document', { hidden: false, addEventListener: vi.fn(), removeEventListener: vi.fn() })
  vi.stubGlobal('location', { search: '', pathname: '/me' })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

it('counts down by the clock of the server, however wrong that of the device is', async () => {
  const { usePayments } = await import('../../src/pages/me/use-payments')
  vi.setSystemTime(NOON - DAY_MS) // the device lives in yesterday
  const clock = new ServerClock()
  const orders = ref<Order[] | null>(null)
  const answer = async () => {
    const sent_ms = performance.now()
    await vi.advanceTimersByTimeAsync(200)
    clock.heard(sent_ms, performance.now(), NOON + performance.now() - 100)
    orders.value = [
      order({ id: 'o1', payment: { provider: 'wechat', expires_at_ms: NOON + 900_000, action: null } }),
    ]
  }
  const scope = effectScope()
  const payments = scope.run(() =>
    usePayments({ api: {} } as GuestModel, orders, answer, () => clock.now(performance.now()) ?? Date.now()),
  )!
  const started_ms = performance.now()
  await answer()
  expect(Math.abs(payments.at_ms.value - (NOON + performance.now()))).toBeLessThanOrEqual(100)
  vi.setSystemTime(NOON + DAY_MS) // and now in tomorrow
  await vi.advanceTimersByTimeAsync(10_000)
  await nextTick()
  expect(Math.abs(payments.at_ms.value - (NOON + performance.now()))).toBeLessThanOrEqual(1_100)
  expect(performance.now() - started_ms).toBeGreaterThanOrEqual(10_000)
  scope.stop()
})

it('goes by the shortest round trip, and by the newest once the device has slept', () => {
  const clock = new ServerClock()
  expect(clock.now(0)).toBeNull()
  clock.heard(1_000, 1_040, NOON)
  clock.heard(2_000, 3_000, NOON + 1_400)
  expect(clock.now(1_020)).toBe(NOON)
  clock.heard(4_000, 4_060, NOON + 3_600_000) // an hour has passed that the local clock did not see
  expect(clock.now(4_030)).toBe(NOON + 3_600_000)
})
