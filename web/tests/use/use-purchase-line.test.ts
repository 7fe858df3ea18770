import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, shallowRef } from 'vue'
import type { Purchase } from '../../src/lib/base/wire'
import { PURCHASE_SHOWN_MS, usePurchaseLine } from '../../src/use/use-purchase-line'

const bought = (name: string): Purchase => ({ kind: 'group', name, product_id: 'p1', others: 0 })

describe('usePurchaseLine', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('shows each purchase for its time, and none from before', async () => {
    const purchase = shallowRef<Purchase | undefined>(bought('王*'))
    const scope = effectScope()
    const shown = scope.run(() => usePurchaseLine(() => purchase.value))!
    expect(shown.value).toBeUndefined()
    purchase.value = bought('李*')
    await nextTick()
    expect(shown.value?.name).toBe('李*')
    vi.advanceTimersByTime(PURCHASE_SHOWN_MS - 1)
    purchase.value = bought('李*')
    await nextTick()
    vi.advanceTimersByTime(PURCHASE_SHOWN_MS - 1)
    expect(shown.value?.name).toBe('李*')
    vi.advanceTimersByTime(1)
    expect(shown.value).toBeUndefined()
    scope.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
