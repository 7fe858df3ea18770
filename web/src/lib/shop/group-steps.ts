/** Where a group with falling prices stands; the rule is commerce/groups/terms.py. */
import type { Group, PriceStep } from '../base/wire'

export interface StepsNow {
  /** What all pay if it closes now. */
  price_fen: number
  /** What it takes until all pay less than now, null at the last step. */
  next: PriceStep | null
}

export function stepsOf(group: Group): StepsNow {
  const steps = group.steps ?? []
  const reached = steps.filter((step) => step.joined <= group.joined)
  const price_fen = Math.min(group.price_fen, reached.at(-1)?.price_fen ?? group.price_fen)
  // Before the first step all pay its price already.
  const lower = (step: PriceStep) => step.joined > group.joined && step.price_fen < price_fen
  return { price_fen, next: steps.find(lower) ?? null }
}
