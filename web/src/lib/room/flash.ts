/** The rules of a flash sale as a page sees it: its phase. */
import type { AtMs, Flash } from '../base/wire'

/** An ended sale is shown for this long. */
const SHOWN_AFTER_MS = 60_000

export type FlashPhase = 'soon' | 'running' | 'sold_out' | 'over'

/** Where a sale stands on the server's clock; null when it is not shown any more. */
export function flashPhase(flash: Flash | null, atMs: AtMs): FlashPhase | null {
  if (!flash || atMs >= flash.ends_at_ms + SHOWN_AFTER_MS) return null
  if (atMs < flash.starts_at_ms) return 'soon'
  if (atMs >= flash.ends_at_ms) return 'over'
  return flash.left > 0 ? 'running' : 'sold_out'
}
