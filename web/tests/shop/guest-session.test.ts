import { describe, expect, it } from 'vitest'
import { GuestSession, type Remembered } from '../../src/lib/shop/guest-session'

const LI = { id: 'g1', nickname: '小李', estate_id: 'e1' }
const HALF_MS = 500_000

/** A server with one guest, whose tokens and devices it may forget. */
function world(remembered: Partial<Remembered> | null) {
  const kept = new Map<string, string>()
  if (remembered) kept.set('linli.guest', JSON.stringify({ token: 't0', guest: LI, ...remembered }))
  const server = { good: new Set(['t0']), secret: 's1', down: false, made: 0, asked: [] as string[] }
  const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status })
  const problem = (status: number, kind: string) => answer(status, { type: `urn:linli:problem:${kind}` })

  async function fetch(url: string, init?: RequestInit): Promise<Response> {
    server.asked.push(url)
    if (server.down) throw new TypeError('no network')
    const body = JSON.parse(String(init?.body ?? '{}')) as Record<string, string>
    const token = (init?.headers as Record<string, string>).Authorization?.slice(7)
    if (url === '/api/guests/refresh') {
      if (body.guest_id !== LI.id || body.device_secret !== server.secret)
        return problem(401, 'unknown-device')
      server.good.add(`t${++server.made}`)
      return answer(200, { token: `t${server.made}`, expires_in_s: 1000, guest: LI })
    }
    if (url === '/api/guests')
      return answer(201, {
        token: 'new',
        expires_in_s: 1000,
        guest: { ...body, id: 'g2' },
        device_secret: 's2',
      })
    if (token && !server.good.has(token)) return problem(401, 'bad-token')
    if (url === '/api/me/devices') return answer(201, { device_secret: server.secret })
    return answer(200, { orders: [{ token }] })
  }

  const clock = { at_ms: 0 }
  const session = new GuestSession({
    fetch,
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
    at: () => clock.at_ms,
    onChange: () => undefined,
  })
  const storeElsewhere = (remembered: Remembered) => void kept.set('linli.guest', JSON.stringify(remembered))
  const stored = () => JSON.parse(kept.get('linli.guest') ?? 'null') as Remembered | null
  return { server, session, clock, stored, storeElsewhere }
}

describe('a guest session', () => {
  it('forgets a guest who was erased', () => {
    const { session, stored } = world({ device_secret: 's1' })
    session.forget()
    expect([session.token, session.remembered, stored()]).toEqual([null, null, null])
  })

  it('renews a refused token for the same guest and sends the request once more', async () => {
    const { server, session, stored } = world({ device_secret: 's1' })
    server.good.clear()
    expect(await session.api.myOrders()).toEqual([{ token: 't1' }])
    expect(stored()).toMatchObject({ token: 't1', guest: LI, device_secret: 's1', renew_at_ms: HALF_MS })
  })

  it('renews once for many requests that are refused together', async () => {
    const { server, session } = world({ device_secret: 's1' })
    server.good.clear()
    await Promise.all([session.api.myOrders(), session.api.myOrders(), session.api.myOrders()])
    expect(server.made).toBe(1)
  })

  it('never becomes another guest by itself', async () => {
    for (const remembered of [{ device_secret: 'forgotten' }, {}]) {
      const { server, session, stored } = world(remembered)
      server.good.clear()
      await expect(session.api.myOrders()).rejects.toMatchObject({ status: 401 })
      expect(session.token).toBeNull()
      expect(stored()).toMatchObject({ guest: LI, lost: true })
      expect(server.asked).not.toContain('/api/guests')
    }
  })

  it('is not lost while the server cannot be reached', async () => {
    const { server, session } = world({ device_secret: 's1' })
    server.down = true
    expect(await session.renew()).toBe(false)
    expect(session.remembered?.lost).toBeUndefined()
    server.down = false
    expect(await session.renew()).toBe(true)
  })

  it('gets a new token when half of the time has passed, and not before', async () => {
    const { server, session, clock } = world({ device_secret: 's1', renew_at_ms: HALF_MS })
    clock.at_ms = HALF_MS - 1
    await session.keepFresh()
    expect(server.made).toBe(0)
    clock.at_ms = HALF_MS
    await session.keepFresh()
    expect(session.token).toBe('t1')
  })

  it('gets a device secret for a guest of old', async () => {
    const { session, stored } = world({})
    await session.keepFresh()
    expect(stored()).toMatchObject({ token: 't1', device_secret: 's1', guest: LI })
  })

  it('is another guest only when somebody registers', async () => {
    const { server, session } = world({ device_secret: 'forgotten' })
    server.good.clear()
    await session.renew()
    await session.register('老王', 'e2')
    expect(session.remembered).toMatchObject({
      token: 'new',
      device_secret: 's2',
      guest: { nickname: '老王' },
    })
    expect(session.remembered?.lost).toBeUndefined()
  })

  it('takes over what another page of the browser has stored, and never writes over it', async () => {
    const { server, session, stored, storeElsewhere } = world({ device_secret: 's1' })
    const wang = { token: 'w', guest: { ...LI, id: 'g9', nickname: '老王' }, device_secret: 's9' }
    server.good.clear()
    server.good.add('w')
    storeElsewhere(wang)
    expect(await session.renew()).toBe(true)
    expect(session.remembered).toEqual(wang)
    expect(stored()).toEqual(wang)
  })

  it('does not send as another guest what one wanted', async () => {
    const { server, session, storeElsewhere } = world({ device_secret: 's1' })
    server.good.clear()
    server.good.add('w')
    storeElsewhere({ token: 'w', guest: { ...LI, id: 'g9' }, device_secret: 's9' })
    await expect(session.api.myOrders()).rejects.toMatchObject({ status: 401 })
    expect(await session.api.myOrders()).toEqual([{ token: 'w' }])
  })
})
