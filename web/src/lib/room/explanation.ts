/** The host's explain button: the product that it begins or ends to explain, or why it does neither. */
import type { Card, RoomState } from '../base/wire'

export type ExplainRefusal = 'not_live' | 'none_pinned'
export type ExplainButton =
  { refusal: ExplainRefusal; pressed: false } | { refusal: null; pressed: boolean; card: Card }

/** Whether the button explains the card on top, as the room says. */
export function explainButton({ live, cards, shelf }: RoomState): ExplainButton {
  const card = cards[0]
  if (!card) return { refusal: 'none_pinned', pressed: false }
  if (live.state !== 'live' && live.state !== 'paused') return { refusal: 'not_live', pressed: false }
  return { refusal: null, pressed: shelf.explaining === card.product.id, card }
}
