/** The cards of a room, and one more that a link names. */
import type { Card } from '../base/wire'

/** Cards newest pin first; a linked one counts as pinned when its page was opened, with the stock of the room's own card. */
export function withLinked(cards: Card[], linked: Card | null): Card[] {
  if (!linked) return cards
  const { id } = linked.product
  const own = cards.find(({ product }) => product.id === id)
  const at = cards.findIndex(({ pinned_at_ms }) => pinned_at_ms <= linked.pinned_at_ms)
  if (own && own.pinned_at_ms > linked.pinned_at_ms) return cards
  const card = own ? { ...own, pinned_at_ms: linked.pinned_at_ms } : linked
  const before = at < 0 ? cards : cards.slice(0, at)
  const after = at < 0 ? [] : cards.slice(at)
  return [...before, card, ...after.filter((other) => other !== own)]
}
