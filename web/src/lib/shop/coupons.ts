/** What a coupon takes off an order: the rule of commerce/coupons/terms.py, checked by the same examples. */
import type { AtMs, CouponRelease, Fen, LocalText } from '../base/wire'

/** The least that an order costs after a coupon. */
const ORDER_FEN_MIN = 1
/** The end of a release is shown for this long, ms. */
const SHOWN_AFTER_MS = 10_000

export interface CouponTerms {
  amount_fen: Fen
  percent: number
  cap_fen: Fen
  minimum_fen: Fen
  /** None: all. */
  product_ids: string[]
}
export interface Coupon {
  id: string
  campaign_id: string
  name: LocalText
  terms: CouponTerms
  state: 'claimed' | 'held' | 'used' | 'expired'
  expires_at_ms: number
}
/** A coupon that the household may claim now. */
export interface CouponOffer {
  campaign_id: string
  kind: 'newcomer' | 'stay' | 'code' | 'room'
  name: LocalText
  terms: CouponTerms
  /** How long it has to watch before. */
  stay_s: number
}
export interface Wallet {
  coupons: Coupon[]
  offers: CouponOffer[]
}
/** What goes with an order. */
export type CouponChoice = { coupon_id: string } | { coupon_code: string }

/** A product, and what its units cost before the coupon. */
export type Line = readonly [string, Fen]

/** What comes off all lines together; 0 where the coupon does not fit. */
export function discountOf(terms: CouponTerms, lines: readonly Line[]): Fen {
  const isFor = (product: string) => terms.product_ids.length === 0 || terms.product_ids.includes(product)
  const base = lines.reduce((sum, [product, fen]) => sum + (isFor(product) ? fen : 0), 0)
  const whole = lines.reduce((sum, [, fen]) => sum + fen, 0)
  const wanted = terms.amount_fen || Math.min(Math.floor((base * terms.percent) / 100), terms.cap_fen)
  const off = Math.min(wanted, base, whole - ORDER_FEN_MIN)
  return base < Math.max(1, terms.minimum_fen) || off <= 0 ? 0 : off
}

/** The coupon that takes off most, of several the one that ends first. */
export function bestCoupon(coupons: readonly Coupon[], lines: readonly Line[]): Coupon | null {
  let found: Coupon | null = null
  let most = 0
  for (const coupon of coupons) {
    const off = coupon.state === 'claimed' ? discountOf(coupon.terms, lines) : 0
    if (off > most || (off > 0 && off === most && found && coupon.expires_at_ms < found.expires_at_ms)) {
      found = coupon
      most = off
    }
  }
  return found
}

/** The coupons that a host has released, while a room shows them. */
export const shownRelease = (release: CouponRelease | null, atMs: AtMs): CouponRelease | null =>
  release && atMs < release.closes_at_ms + SHOWN_AFTER_MS ? release : null

/** What the household may claim without a code. */
export const offerToClaim = (wallet: Wallet): CouponOffer | null =>
  wallet.offers.find(({ kind }) => kind !== 'code') ?? null
