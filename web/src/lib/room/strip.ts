/** What a room offers beside its product: one card at a time is open, all are chips of a strip. */

export type Feature = 'flash' | 'poll' | 'bag' | 'coupon'

/** Which features a room has now; `quiet` ones are over and do not open by themselves. */
export interface Shown {
  feature: Feature
  quiet: boolean
}

/**
 * The card to show. What is open stays open, so that nothing moves under a finger; the first feature of a room without
 * others opens by itself. Several at once would push the product out of sight: they wait as chips.
 */
export function openFeature(
  open: Feature | null,
  before: readonly Shown[],
  now: readonly Shown[],
): Feature | null {
  if (open !== null && now.some(({ feature }) => feature === open)) return open
  const [only] = now
  const isNew = only !== undefined && !before.some(({ feature }) => feature === only.feature)
  return only !== undefined && now.length === 1 && isNew && !only.quiet ? only.feature : null
}
