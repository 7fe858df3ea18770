import { effectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Api, Refused, Unreachable } from '../../src/lib/base/api'
import { storeOrder } from '../support/fixtures'

/** What the browser keeps, and whether the server can be reached. */
const kept = new Map<string, string>()
vi.mock('../../src/use/storage', () => ({
  storage: {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  },
}))
vi.mock('../../src/use/network', () => ({ onNetworkChange: () => () => undefined }))
const { useOutgoing } = await import('../../src/use/use-outgoing')

interface Sent {
  path: string
  body: { order_ids: string[]; to: string } | undefined
  key: string | undefined
}

function desk() {
  const server = { reachable: true, refuses: false, sent: [] as Sent[] }
  const api = {
    async send(_method: string, path: string, body?: Sent['body'], headers?: Record<string, string>) {
      if (!server.reachable) throw new Unreachable(path)
      server.sent.push({ path, body, key: headers?.['Idempotency-Key'] })
      if (server.refuses) throw new Refused(409, 'key-reused', '', 0, {})
      const outcome = (id: string) => (id === 'gone' ? 'refused' : 'moved')
      const answers = (body?.order_ids ?? []).map((order_id) => ({
        order_id,
        outcome: outcome(order_id),
        state: order_id === 'gone' ? 'cancelled' : body?.to,
      }))
      return { id: `b${server.sent.length}`, to: body?.to, answers, orders: [], undo_until_ms: 300_000 }
    },
  } as unknown as Api
  const scope = effectScope()
  const open = () =>
    scope.run(() =>
      useOutgoing(
        's1',
        api,
        () => 0,
        () => undefined,
      ),
    )!
  return { server, scope, open }
}
const orders = (...ids: string[]) => ids.map((id) => storeOrder({ id, number: `N-${id}` }))

describe('moves of a store', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('window', globalThis)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    kept.clear()
  })

  it('wait in the browser without a network, then go out in order, each by its own key', async () => {
    const { server, scope, open } = desk()
    const model = open()
    server.reachable = false
    model.move(orders('a', 'b'), 'picking')
    model.move(orders('a'), 'packed', 'A1')
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    expect(model.waitingCount.value).toBe(2)
    expect(model.shown(orders('a', 'b')).map(({ state }) => state)).toEqual(['packed', 'picking'])
    server.reachable = true
    await vi.advanceTimersByTimeAsync(3_000)
    expect(server.sent.map(({ body }) => [body?.order_ids, body?.to])).toEqual([
      [['a', 'b'], 'picking'],
      [['a'], 'packed'],
    ])
    expect(new Set(server.sent.map(({ key }) => key)).size).toBe(2)
    expect([model.waitingCount.value, kept.size]).toEqual([0, 0])
    scope.stop()
  })
  it('survive the page, and go out from the next one', async () => {
    const first = desk()
    first.server.reachable = false
    first.open().move(orders('a'), 'picking')
    await vi.advanceTimersByTimeAsync(10)
    first.scope.stop()
    const second = desk()
    const model = second.open()
    await vi.advanceTimersByTimeAsync(10)
    expect(second.server.sent).toHaveLength(1)
    expect(model.waitingCount.value).toBe(0)
    second.scope.stop()
  })
  it('name the orders that did not go along', async () => {
    const { server, scope, open } = desk()
    const model = open()
    model.move(orders('a', 'gone'), 'picking')
    await vi.advanceTimersByTimeAsync(10)
    expect(model.conflicts.value).toEqual([{ number: 'N-gone', to: 'picking', state: 'cancelled' }])
    server.refuses = true
    model.move(orders('a'), 'packed')
    await vi.advanceTimersByTimeAsync(10)
    expect(model.conflicts.value.at(-1)).toEqual({ number: 'N-a', to: 'packed', state: null })
    expect(model.undoable.value).toBeNull()
    scope.stop()
  })
  it('are taken back here before they are sent, at the server afterwards', async () => {
    const { server, scope, open } = desk()
    const model = open()
    server.reachable = false
    model.move(orders('a'), 'picking')
    await vi.advanceTimersByTimeAsync(10)
    expect(await model.undo()).toBe(true)
    expect(model.waitingCount.value).toBe(0)
    server.reachable = true
    model.move(orders('a'), 'picking')
    await vi.advanceTimersByTimeAsync(10)
    expect(await model.undo()).toBe(true)
    expect(server.sent.at(-1)?.path).toBe('/api/stores/s1/moves/b1/undo')
    expect(model.undoable.value).toBeNull()
    scope.stop()
  })
  it('that are on their way are taken back once the server has answered', async () => {
    const { server, scope, open } = desk()
    const model = open()
    model.move(orders('a'), 'picking')
    expect(await model.undo()).toBe(true)
    expect(server.sent.map(({ path }) => path)).toEqual([
      '/api/stores/s1/moves',
      '/api/stores/s1/moves/b1/undo',
    ])
    server.reachable = false
    model.move(orders('a'), 'picking')
    expect(await model.undo()).toBe(true)
    expect(model.waitingCount.value).toBe(0)
    scope.stop()
  })
})
