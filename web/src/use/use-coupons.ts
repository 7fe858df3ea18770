/** The coupons of this household in a room: read, claimed, and for how long it has stayed. */
import { computed, onScopeDispose, reactive, watch } from 'vue'
import { type Api, Refused } from '../lib/base/api'
import type { Coupon, CouponOffer, Wallet } from '../lib/shop/coupons'
import type { IdentityModel } from './use-identity'

/** A page that has an offer for staying says so this often, ms. */
const STAY_EVERY_MS = 30_000
const SECOND_MS = 1000

/** What a page keeps of coupons before their code is there. */
export interface CouponsSource {
  roomId: string
  api: Api
  identity: IdentityModel
  wallet: Wallet
}
export type CouponTrouble = 'failed' | 'gone' | 'over' | 'had' | 'not_for_you'
const TROUBLES: Record<string, CouponTrouble> = {
  'coupons-gone': 'gone',
  'coupons-ended': 'over',
  'coupon-had': 'had',
  'coupon-not-for-you': 'not_for_you',
}

/** With `stays`, the page says that it is here while there is a coupon for staying. */
export function useCoupons({ roomId, api, identity, wallet }: CouponsSource, stays = false) {
  const base = `/api/rooms/${encodeURIComponent(roomId)}`
  const mine = reactive({
    busy: false,
    trouble: null as CouponTrouble | null,
    /** Releases of which the household has a piece. */
    releases: new Set<string>(),
    stayed_s: 0,
  })

  /** Read the wallet; with a code, also what that gives. */
  async function refresh(code = ''): Promise<void> {
    if (!identity.known()) return
    const query = code ? `?code=${encodeURIComponent(code)}` : ''
    try {
      Object.assign(wallet, await api.get<Wallet>(`/api/me/coupons${query}`))
    } catch {
      // What was read before stays; an order with a coupon that is gone is refused.
    }
  }
  watch(identity.known, (known) => known && void refresh(), { immediate: true })

  async function run(send: () => Promise<Coupon>): Promise<boolean> {
    if (mine.busy) return false
    Object.assign(mine, { busy: true, trouble: null })
    try {
      const given = await send()
      wallet.coupons = [given, ...wallet.coupons.filter(({ id }) => id !== given.id)]
      wallet.offers = wallet.offers.filter(({ campaign_id }) => campaign_id !== given.campaign_id)
      return true
    } catch (error) {
      mine.trouble = (error instanceof Refused && TROUBLES[error.kind]) || 'failed'
      return false
    } finally {
      mine.busy = false
    }
  }

  /** Claim a piece of what the host has released. */
  function claimPiece(release: string, done: () => void): void {
    identity.require(
      () =>
        void run(() => api.send<Coupon>('POST', `${base}/coupons/${encodeURIComponent(release)}/claim`)).then(
          (given) => {
            if (!given) return
            mine.releases.add(release)
            done()
          },
        ),
    )
  }

  function claim({ campaign_id }: CouponOffer, done: () => void): void {
    const body = { campaign_id, room_id: roomId }
    identity.require(
      () =>
        void run(() => api.send<Coupon>('POST', '/api/me/coupons', body)).then((given) => given && done()),
    )
  }

  const staying = computed(() => stays && wallet.offers.some((offer) => offer.stay_s > 0))
  async function stay(): Promise<void> {
    try {
      mine.stayed_s = (await api.send<{ stayed_s: number }>('PUT', `${base}/stay`)).stayed_s
    } catch {
      // Counted on with the next one.
    }
  }
  const timers: number[] = []
  const stop = () => timers.splice(0).forEach((timer) => clearInterval(timer))
  watch(
    staying,
    (now) => {
      stop()
      if (!now) return
      void stay()
      timers.push(
        window.setInterval(() => document.hidden || void stay(), STAY_EVERY_MS),
        window.setInterval(() => document.hidden || (mine.stayed_s += 1), SECOND_MS),
      )
    },
    { immediate: true },
  )
  onScopeDispose(stop)

  return { wallet, mine, refresh, claim, claimPiece }
}
export type CouponsModel = ReturnType<typeof useCoupons>
