/** Neighbours who ask for a price in the chat, and the answer that the host sends with one tap. */
import type { AtMs, Card, ChatLine } from '../base/wire'

/** A question is offered for this long, ms. */
const OFFERED_MS = 90_000
const ASKS_PRICE =
  /(多少钱|多少米|多少元|几块|几元|什么价|怎么卖|咋卖|价格|价钱|how much|price\b|what does (it|this) cost)/iu

export const asksForPrice = (text: string): boolean => ASKS_PRICE.test(text.normalize('NFKC'))

export interface PriceQuestion {
  line: ChatLine
  /** How many lines have asked since the last answer. */
  count: number
  card: Card
}

/**
 * The newest question for a price that nobody of the shop has answered since, and the card that it is about: the one that
 * it names, else the one that is explained, else the one on top.
 */
export function priceQuestion(
  chat: readonly ChatLine[],
  cards: readonly Card[],
  explaining: string | null,
  answered_at_ms: AtMs,
  atMs: AtMs,
): PriceQuestion | null {
  const asked = chat.filter(
    (line) =>
      line.at_ms > Math.max(answered_at_ms, atMs - OFFERED_MS) &&
      line.from.role === 'guest' &&
      asksForPrice(line.text),
  )
  const line = asked.at(-1)
  if (!line) return null
  const named = cards.find(({ product: { name } }) =>
    [name.zh, name.en].some((word) => word !== '' && line.text.toLowerCase().includes(word.toLowerCase())),
  )
  const card = named ?? cards.find(({ product }) => product.id === explaining) ?? cards[0]
  return card ? { line, count: asked.length, card } : null
}
