/** The strip of a room's features: a chip each, and which one's card is open. */
import { computed, ref, watch } from 'vue'
import type { AtMs, RoomState } from '../../lib/base/wire'
import { pollPhase } from '../../lib/room/activities'
import { countdown } from '../../lib/room/clock'
import { flashPhase } from '../../lib/room/flash'
import { drawPhase } from '../../lib/room/lucky-bag'
import { type Feature, openFeature, type Shown } from '../../lib/room/strip'
import { offWords } from '../../lib/shop/coupon-words'
import { offerToClaim, shownRelease, type Wallet } from '../../lib/shop/coupons'
import { useWords } from '../../use/use-words'

interface Chip extends Shown {
  label: string
  detail: string
}

export function useStrip(state: () => RoomState, atMs: () => AtMs, wallet: Wallet) {
  const { t, text, price } = useWords()
  const until = (at: AtMs) => countdown(at, atMs())

  function flashChip(): Omit<Chip, 'feature' | 'label'> | null {
    const flash = state().flash
    const phase = flashPhase(flash, atMs())
    if (!flash || !phase) return null
    if (phase === 'sold_out' || phase === 'over')
      return { quiet: phase === 'over', detail: t(`strip.${phase}`) }
    const time = until(phase === 'soon' ? flash.starts_at_ms : flash.ends_at_ms)
    const words = { price: price(flash.price_fen), time }
    return { quiet: false, detail: t(phase === 'soon' ? 'strip.starts_in' : 'strip.price_left', words) }
  }
  function pollChip(): Omit<Chip, 'feature' | 'label'> | null {
    const poll = state().poll
    const phase = pollPhase(poll, atMs())
    if (!poll || !phase) return null
    return {
      quiet: phase === 'closed',
      detail: phase === 'open' ? until(poll.closes_at_ms) : t('strip.over'),
    }
  }
  function bagChip(): Omit<Chip, 'feature' | 'label'> | null {
    const draw = state().draw
    const phase = drawPhase(draw, atMs())
    if (!draw || !phase) return null
    if (phase === 'open') return { quiet: false, detail: until(draw.closes_at_ms) }
    return { quiet: phase !== 'drawing', detail: t(`strip.${phase}`) }
  }
  function couponChip(): Omit<Chip, 'feature' | 'label'> | null {
    const release = shownRelease(state().coupons, atMs())
    const terms = release ?? offerToClaim(wallet)?.terms
    if (!terms) return null
    const quiet = release !== null && atMs() >= release.closes_at_ms
    return { quiet, detail: text(offWords(terms, price)) }
  }

  const MAKERS = { flash: flashChip, poll: pollChip, bag: bagChip, coupon: couponChip }
  const chips = computed<Chip[]>(() =>
    Object.entries(MAKERS).flatMap(([name, make]) => {
      const made = make()
      const feature = name as Feature
      return made ? [{ feature, label: t(`strip.${feature}`), ...made }] : []
    }),
  )
  const open = ref<Feature | null>(null)
  watch(
    chips,
    (now, before) => {
      open.value = openFeature(open.value, before ?? [], now)
    },
    { immediate: true, flush: 'sync' },
  )
  const toggle = (feature: Feature) => (open.value = open.value === feature ? null : feature)
  const show = (feature: Feature) => (open.value = feature)
  return { chips, open, toggle, show }
}
