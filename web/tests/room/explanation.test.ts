import { describe, expect, it } from 'vitest'
import type { RecordingStatus } from '../../src/lib/base/bodies'
import type { Card, RoomState } from '../../src/lib/base/wire'
import { explainButton, explanationId } from '../../src/lib/room/explanation'
import { card } from '../support/fixtures'

const RECORDED: RecordingStatus = { wanted: true, recording: true, failure: null, storage_away: false }
const spinach = card()
const eggs: Card = { ...card({ id: 'eggs' }), pinned_at_ms: 2 }

function room(cards: Card[], live: Partial<RoomState['live']> = {}): RoomState {
  const counters = { viewers: 1, likes: 0 }
  return {
    live: { state: 'live', started_at_ms: 7, ...live },
    cards,
    groups: [],
    poll: null,
    questions: [],
    notice: null,
    flash: null,
    upcoming: [],
    draw: null,
    chat_rules: { version: 0, slow_s: 0, members_only: false, removed_lines: [], removed_senders: [] },
    counters,
    chat: [],
  }
}

describe('the explain button', () => {
  it('is not pressed until the explanation of the card on top has begun', () => {
    const state = room([eggs, spinach])
    expect(explainButton(state, RECORDED, null)).toMatchObject({ refusal: null, pressed: false, card: eggs })
    expect(explainButton(state, RECORDED, explanationId(state)).pressed).toBe(true)
  })
  it('keeps its state while viewers see the pause, and when stock changes', () => {
    const begun = explanationId(room([spinach]))
    expect(explainButton(room([spinach], { state: 'paused' }), RECORDED, begun).pressed).toBe(true)
    expect(explainButton(room([card({ left: 3 })]), RECORDED, begun).pressed).toBe(true)
  })
  it.each([
    ['another card', room([eggs, spinach])],
    ['the same product pinned anew', room([{ ...spinach, pinned_at_ms: 9 }])],
    ['another live', room([spinach], { started_at_ms: 8 })],
  ])('is not pressed for %s', (_, state) => {
    const begun = explanationId(room([spinach]))
    expect(explainButton(state, RECORDED, begun)).toMatchObject({ refusal: null, pressed: false })
  })
  it('asks for a product where none is pinned', () => {
    expect(explainButton(room([]), RECORDED, null)).toEqual({ refusal: 'none_pinned', pressed: false })
  })
  it.each([
    ['the status is unknown', room([spinach]), null],
    ['the recording has failed', room([spinach]), { ...RECORDED, recording: false, failure: 'disk-full' }],
    ['the live is over', room([spinach], { state: 'over' }), RECORDED],
  ] as [string, RoomState, RecordingStatus | null][])(
    'says that nothing is recorded when %s',
    (_, state, status) => {
      const begun = explanationId(room([spinach]))
      expect(explainButton(state, status, begun)).toEqual({ refusal: 'not_recorded', pressed: false })
    },
  )
})
