/** Refund calls to the payment provider as the head office sees them. */
import type { AtMs, Fen, LocalText } from '../base/wire'

export type CallState = 'queued' | 'sent' | 'unknown' | 'failed' | 'done'
export interface RefundCall {
  order_id: string
  number: string
  store_id: string
  store_name: LocalText
  /** Null while its refunds wait for a call. */
  n: number | null
  amount_fen: Fen
  state: CallState
  attempts: number
  /** Codes of commerce/after_sales/reasons.py. */
  reasons: string[]
  requested_at_ms: AtMs
  sent_at_ms: AtMs | null
  ended_at_ms: AtMs | null
  /** Null once it is over, or while another call of its order goes first. */
  next_at_ms: AtMs | null
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** How long ago a time is, in the largest unit that it fills. */
export function ageOf(at_ms: AtMs, now_ms: AtMs): { unit: 'minutes' | 'hours' | 'days'; n: number } {
  const age_ms = Math.max(0, now_ms - at_ms)
  if (age_ms >= DAY_MS) return { unit: 'days', n: Math.floor(age_ms / DAY_MS) }
  if (age_ms >= HOUR_MS) return { unit: 'hours', n: Math.floor(age_ms / HOUR_MS) }
  return { unit: 'minutes', n: Math.floor(age_ms / MINUTE_MS) }
}

/** When a call goes out next: at a time, as soon as the provider's pace allows it, after another one, or never. */
export function nextAttempt(call: RefundCall, now_ms: AtMs): 'at' | 'now' | 'after' | 'never' {
  if (call.state === 'done' || call.state === 'failed') return 'never'
  if (call.next_at_ms === null) return 'after'
  return call.next_at_ms > now_ms ? 'at' : 'now'
}
