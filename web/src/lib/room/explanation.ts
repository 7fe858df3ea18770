/** The host's explain button: the product whose clip it begins or ends, or why it does neither. */
import type { RecordingStatus } from '../base/bodies'
import type { Card, RoomState } from '../base/wire'

export type ExplainRefusal = 'not_recorded' | 'none_pinned'
export type ExplainButton =
  { refusal: ExplainRefusal; pressed: false } | { refusal: null; pressed: boolean; card: Card; id: string }

/**
 * Name the explanation that can go on now: of the card on top, in this live; null: there is none. The server ends an
 * explanation with the live, and when its card is unpinned or another one pinned: then the name is another one.
 */
export function explanationId({ live, cards }: RoomState): string | null {
  const card = cards[0]
  if (!card || (live.state !== 'live' && live.state !== 'paused')) return null
  return [live.started_at_ms, card.pinned_at_ms, card.product.id].join('/')
}

/** `begun` is the explanation that the host has begun and not ended. */
export function explainButton(
  state: RoomState,
  recording: RecordingStatus | null,
  begun: string | null,
): ExplainButton {
  const card = state.cards[0]
  if (!card) return { refusal: 'none_pinned', pressed: false }
  const id = explanationId(state)
  if (id === null || !recording?.recording) return { refusal: 'not_recorded', pressed: false }
  return { refusal: null, pressed: begun === id, card, id }
}
