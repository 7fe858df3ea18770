import { beforeEach, describe, expect, it } from 'vitest'
import { Backoff } from '../../src/lib/base/backoff'
import {
  CONNECT_TIMEOUT_MS,
  ChannelClient,
  type Effect,
  PONG_GRACE_MS,
} from '../../src/lib/room/channel-client'
import type { ChannelEvent, ServerMessage, Tick } from '../../src/lib/base/wire'

const WELCOME = {
  t: 'welcome',
  client: 'c',
  at_ms: 1_700_000_000_000,
  ping_s: 25,
  recovered: false,
  you: null,
} as const
const SNAPSHOT = { t: 'snapshot', epoch: 'e', offset: 7, state: {} } as const
const stock = (o: number): ChannelEvent => ({
  o,
  at_ms: 1,
  k: 'stock',
  media_time: null,
  product_id: 'p',
  left: o,
  stores: [],
})
const tick = (offset: number, ...events: ChannelEvent[]): Tick => ({ t: 'tick', epoch: 'e', offset, events })

let client: ChannelClient
beforeEach(() => {
  client = new ChannelClient('room:demo', new Backoff(() => 0.5), 'token')
})

const kinds = (effects: Effect[]) => effects.map((effect) => effect.do)
const sent = (effects: Effect[]) =>
  effects.flatMap((effect) => (effect.do === 'send' ? [effect.message] : []))
const delivered = (effects: Effect[]) =>
  effects.flatMap((effect) => (effect.do === 'deliver' ? [effect.message] : []))

/** Bring the client on air at `now`, and forget what that took. */
function join(now = 0, messages: ServerMessage[] = [WELCOME, SNAPSHOT]): void {
  client.open(now)
  client.opened(now)
  for (const message of messages) client.receive(message, now)
  client.drain()
}

describe('joining', () => {
  it('sends hello with its token once the socket is open', () => {
    client.open(0)
    expect(kinds(client.drain())).toEqual(['phase', 'connect'])
    client.opened(5)
    expect(sent(client.drain())).toEqual([{ t: 'hello', channel: 'room:demo', token: 'token' }])
  })

  it('drops a socket that does not open in time, and retries', () => {
    client.open(0)
    client.drain()
    client.timeout(CONNECT_TIMEOUT_MS)
    expect(kinds(client.drain())).toEqual(['drop', 'phase'])
    expect(client.phase).toBe('waiting')
    client.timeout(client.nextTimer() ?? 0)
    expect(client.phase).toBe('connecting')
  })

  it('ignores a tick before the first snapshot', () => {
    join(0, [WELCOME])
    client.receive(tick(8, stock(8)), 1)
    expect(client.drain()).toEqual([])
  })
})

describe('numbered events', () => {
  it('are delivered once when the server repeats them', () => {
    join()
    client.receive(tick(9, stock(8), stock(9)), 1)
    client.receive(tick(10, stock(9), stock(10)), 2)
    const offsets = delivered(client.drain()).flatMap((m) =>
      m.t === 'tick' ? (m.events ?? []).map((e) => e.o) : [],
    )
    expect(offsets).toEqual([8, 9, 10])
  })

  it.each([
    ['a missing event', tick(9, stock(9))],
    ['a missing event at the end', tick(9, stock(8))],
    ['another epoch', { ...tick(8, stock(8)), epoch: 'f' }],
  ])('are not applied after %s, and the next hello asks for a snapshot', (_, bad) => {
    join()
    client.receive(bad, 1)
    const effects = client.drain()
    expect(delivered(effects)).toEqual([])
    expect(kinds(effects)).toContain('drop')
    client.timeout(client.nextTimer() ?? 0)
    client.opened(1000)
    expect(sent(client.drain())[0]).not.toHaveProperty('offset')
  })

  it('resume from the last position after a reconnect', () => {
    join()
    client.receive(tick(8, stock(8)), 1)
    client.closed(1006, 2)
    client.timeout(client.nextTimer() ?? 0)
    client.opened(3000)
    expect(sent(client.drain())[0]).toEqual({
      t: 'hello',
      channel: 'room:demo',
      token: 'token',
      epoch: 'e',
      offset: 8,
    })
    client.receive({ ...WELCOME, recovered: true }, 3001)
    client.receive(tick(9, stock(9)), 3002)
    expect(delivered(client.drain()).map((m) => m.t)).toEqual(['welcome', 'tick'])
  })
})

describe('a lost connection', () => {
  it('backs off, and resets after a welcome', () => {
    const waits: number[] = []
    client.open(0)
    for (let now = 0; waits.length < 4;) {
      client.closed(1006, now)
      waits.push((client.nextTimer() ?? 0) - now)
      now = client.nextTimer() ?? 0
      client.timeout(now)
    }
    expect(waits).toEqual([750, 1500, 3000, 6000])
    client.opened(60_000)
    client.receive(WELCOME, 60_000)
    client.closed(1006, 60_000)
    expect((client.nextTimer() ?? 0) - 60_000).toBe(750)
  })

  it('reconnects at once after the moved close code', () => {
    join()
    client.closed(3012, 100)
    expect(client.nextTimer()).toBeLessThan(100 + 500)
  })

  it.each([3500, 3501, 3503, 3999])('is final after close code %i', (code) => {
    join()
    client.closed(code, 1)
    expect(client.phase).toBe('closed')
    expect(client.closeCode).toBe(code)
    expect(client.nextTimer()).toBeNull()
  })

  it('is detected by a ping without a pong', () => {
    join(0)
    const ping = client.nextTimer() ?? 0
    client.timeout(ping)
    expect(sent(client.drain()).map((m) => m.t)).toEqual(['ping'])
    expect(client.nextTimer()).toBe(25_000 + PONG_GRACE_MS)
    client.timeout(client.nextTimer() ?? 0)
    expect(client.phase).toBe('waiting')
  })

  it('is not assumed while messages arrive', () => {
    join(0)
    client.timeout(25_000)
    client.receive(tick(7), 29_000)
    client.timeout(25_000 + PONG_GRACE_MS)
    expect(client.phase).toBe('live')
  })

  it('ends at once when the network is back', () => {
    join()
    client.closed(1006, 0)
    client.wake(10)
    expect(client.phase).toBe('connecting')
  })
})

describe('authorise', () => {
  it('reconnects with the new token and keeps the position', () => {
    client = new ChannelClient('room:demo', new Backoff(() => 0.5))
    join()
    client.authorise('mine', 5)
    client.timeout(client.nextTimer() ?? 0)
    client.opened(6)
    expect(sent(client.drain())[0]).toEqual({
      t: 'hello',
      channel: 'room:demo',
      token: 'mine',
      epoch: 'e',
      offset: 7,
    })
  })

  it('reconnects after the token was refused', () => {
    join()
    client.closed(3501, 1)
    client.authorise('fresh', 2)
    expect(client.phase).toBe('connecting')
  })
})

describe('chat', () => {
  it('is refused while disconnected, so that the text is kept', () => {
    expect(client.chat('1', 'hello')).toBe(false)
    join()
    expect(client.chat('1', 'hello')).toBe(true)
  })

  it('is sent again after a reconnect until it is acknowledged', () => {
    join()
    client.chat('1', 'first')
    client.chat('2', 'second')
    client.receive({ t: 'ack', cid: '1' }, 1)
    client.closed(1006, 2)
    client.timeout(client.nextTimer() ?? 0)
    client.opened(3)
    client.drain()
    client.receive(WELCOME, 4)
    expect(sent(client.drain()).filter((m) => m.t === 'chat')).toEqual([
      { t: 'chat', cid: '2', text: 'second' },
    ])
  })
})

describe("the server's clock", () => {
  it('is estimated from the welcome, and better from a pong', () => {
    join(1000)
    expect(client.serverTime(1000)).toBe(WELCOME.at_ms)
    client.receive({ t: 'pong', id: 1, at_ms: WELCOME.at_ms + 500 }, 1200)
    expect(client.serverTime(1200)).toBe(WELCOME.at_ms + 600)
  })
})
