/** Where a group with falling prices stands; the rule is commerce/groups/terms.py. */
import type { Group, PriceStep } from '../base/wire'

export interface StepsNow {
  /** What all pay if it closes now. */
  price_fen: number
  /** What it would take to pay less, null at the last step. */
  next: PriceStep | null
}

export function stepsOf(group: Group): StepsNow {
  const steps = group.steps ?? []
  const reached = steps.filter((step) => step.joined <= group.joined)
  return {
    price_fen: reached.at(-1)?.price_fen ?? group.price_fen,
    next: steps.find((step) => step.joined > group.joined) ?? null,
  }
}
