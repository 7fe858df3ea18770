/** What a leader earns, as `/api/leader/commission` has it. */
import type { AtMs, Fen, LocalText } from '../base/wire'

export interface CommissionEntry {
  order_id: string
  number: string
  line: number
  name: LocalText
  base_fen: Fen
  rate_bp: number
  /** Below zero: taken back with a refund. */
  amount_fen: Fen
  at_ms: AtMs
  available_at_ms: AtMs
}
export interface Statement {
  accrued_fen: Fen
  clawed_fen: Fen
  available_fen: Fen
  pending_fen: Fen
  entries: CommissionEntry[]
  now_ms: AtMs
}

/** `850` → `8.5`: basis points as percent. */
export const percent = (rate_bp: number): string => String(rate_bp / 100)

/** The month of a moment in China, where the books are, as `2026-11`. */
export function monthOf(at_ms: AtMs): string {
  return new Date(at_ms + 8 * 3_600_000).toISOString().slice(0, 7)
}
/** The month before one. */
export function monthBefore(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return number > 1 ? `${year}-${String(number - 1).padStart(2, '0')}` : `${year - 1}-12`
}
