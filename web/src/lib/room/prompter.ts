/** What the host's prompter reads from the server. */
import type { AtMs, Fen, LocalText } from '../base/wire'

export type Figure = 'orders' | 'buyers' | 'gmv_fen' | 'average_fen'
export interface Prompt {
  questions: { text: string; count: number; product_ids: string[]; last_at_ms: AtMs }[]
  unsold: { product_id: string; askers: number; buyers: number }[]
  running_out: { product_id: string; left: number; per_min: number; minutes: number }[]
  /** The figure of this live that is worst against the last ones. */
  worst: { figure: Figure; value: number; usual: number } | null
  products: { id: string; name: LocalText }[]
}

/** A figure as people read it: money in yuan. */
export function figureText(figure: Figure, value: number, price: (fen: Fen) => string): string {
  return figure.endsWith('_fen') ? price(value) : String(value)
}
