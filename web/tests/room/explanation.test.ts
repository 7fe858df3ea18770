import { describe, expect, it } from 'vitest'
import type { Card, RoomState } from '../../src/lib/base/wire'
import { explainButton } from '../../src/lib/room/explanation'
import { EMPTY_ROOM } from '../../src/lib/room/room-state'
import { card } from '../support/fixtures'

const spinach = card()
const eggs: Card = { ...card({ id: 'eggs' }), pinned_at_ms: 2 }

function room(cards: Card[], explaining: string | null = null, state = 'live'): RoomState {
  return {
    ...EMPTY_ROOM,
    live: { state: state as RoomState['live']['state'], started_at_ms: 7 },
    cards,
    shelf: { count: 0, changed_at_ms: 0, explaining, since_ms: explaining === null ? null : 8 },
  }
}

describe('the explain button', () => {
  it('is pressed while the room says that the card on top is explained', () => {
    expect(explainButton(room([eggs, spinach]))).toMatchObject({ refusal: null, pressed: false, card: eggs })
    expect(explainButton(room([eggs, spinach], 'eggs')).pressed).toBe(true)
    expect(explainButton(room([eggs, spinach], 'spinach')).pressed).toBe(false)
  })
  it('keeps its state while viewers see the pause', () => {
    expect(explainButton(room([spinach], 'spinach', 'paused')).pressed).toBe(true)
  })
  it('asks for a product where none is pinned, and for a live', () => {
    expect(explainButton(room([]))).toEqual({ refusal: 'none_pinned', pressed: false })
    expect(explainButton(room([spinach], null, 'over'))).toEqual({ refusal: 'not_live', pressed: false })
  })
})
