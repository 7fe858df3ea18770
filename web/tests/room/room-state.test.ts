import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Position, follow } from '../../src/lib/room/position'
import { EMPTY_ROOM, applyTick, groupFor, isJoinable, reduce } from '../../src/lib/room/room-state'
import { CHAT_LINES_MAX, type Snapshot, type Tick } from '../../src/lib/base/wire'
import { group } from '../support/fixtures'

interface Case {
  name: string
  channel: string
  snapshot: Snapshot
  ticks: Tick[]
  state: unknown
  position: Position | null
}
const VECTORS = join(import.meta.dirname, '..', '..', '..', 'tests', 'vectors')
const cases = readdirSync(VECTORS)
  .filter((name) => /^room_.*\.json$/.test(name))
  .flatMap((name) => (JSON.parse(readFileSync(join(VECTORS, name), 'utf8')) as { cases: Case[] }).cases)

describe('the vectors shared with Python', () => {
  it('exist', () => expect(cases.length).toBeGreaterThan(5))

  it.each(cases)('$name', ({ channel, snapshot, ticks, state, position }) => {
    let reached = reduce(EMPTY_ROOM, snapshot)
    let at: Position | null = { epoch: snapshot.epoch, offset: snapshot.offset }
    for (const tick of ticks) {
      const followed: ReturnType<typeof follow> = at && follow(at, tick)
      at = followed?.position ?? null
      if (followed) reached = reduce(reached, { ...tick, events: followed.events })
    }
    expect(at).toEqual(position)
    if (channel.startsWith('room:')) expect(reached).toEqual(state)
  })
})

describe('the room state', () => {
  it('changes the stock of a variant on its card', () => {
    const words = { zh: '', en: '' }
    const price = { price_fen: 1, list_price_fen: 1, group: null }
    const tea = { id: 'tea', name: words, unit: words, image: '', left: 6, ...price }
    const product = { ...tea, variants: [{ ...tea, id: 'large', left: 4 }] }
    const before = { ...EMPTY_ROOM, cards: [{ product, pinned_at_ms: 1, media_time: null }] }
    const after = applyTick(before, {
      t: 'tick',
      epoch: 'e',
      offset: 1,
      events: [{ o: 1, at_ms: 1, k: 'stock', media_time: null, product_id: 'large', left: 0, stores: [] }],
    })
    expect(after.cards[0]?.product.left).toBe(6)
    expect(after.cards[0]?.product.variants?.map((one) => one.left)).toEqual([0])
  })

  it('never changes the state it was given', () => {
    const before = structuredClone(EMPTY_ROOM)
    applyTick(EMPTY_ROOM, {
      t: 'tick',
      epoch: 'e',
      offset: 1,
      events: [{ o: 1, at_ms: 1, k: 'group', media_time: null, group: group() }],
      chat: [{ id: 'c', from: { id: 'u', nickname: 'n', role: 'guest' }, text: '<b>', at_ms: 1 }],
    })
    expect(EMPTY_ROOM).toEqual(before)
  })

  it('keeps no more chat than a snapshot carries', () => {
    const chat = Array.from({ length: 80 }, (_, index) => ({
      id: String(index),
      from: { id: 'u', nickname: 'n', role: 'guest' },
      text: 'x',
      at_ms: index,
    }))
    const state = applyTick(EMPTY_ROOM, { t: 'tick', epoch: 'e', offset: 0, chat })
    expect(state.chat).toHaveLength(CHAT_LINES_MAX)
    expect(state.chat.at(-1)?.id).toBe('79')
  })

  it("prefers the estate's open group to an older one", () => {
    const groups = [
      group({ id: 'old', state: 'expired' }),
      group({ id: 'new' }),
      group({ id: 'theirs', estate_id: 'e2' }),
    ]
    expect(groupFor(groups, 'spinach', 'e1')?.id).toBe('new')
    expect(groupFor(groups, 'spinach', 'e2')?.id).toBe('theirs')
    expect(groupFor(groups, 'spinach', null)).toBeNull()
  })

  it('is not joinable after its end, even before the server closes it', () => {
    expect(isJoinable(group(), 9_999)).toBe(true)
    expect(isJoinable(group(), 10_000)).toBe(false)
    expect(isJoinable(group({ state: 'expired' }), 0)).toBe(false)
    // The gate asks the group's price until the deadline, also while the shop packs for it.
    expect(isJoinable(group({ state: 'fulfilling' }), 9_999)).toBe(true)
  })
})
