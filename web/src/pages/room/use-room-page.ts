/** The viewer's page: one guest in one room, with its live, its orders and its chat. */
import { computed, onMounted, onScopeDispose, reactive, ref, shallowRef, watch } from 'vue'
import { type ChatLine, CloseCode } from '../../lib/base/wire'
import type { Wallet } from '../../lib/shop/coupons'
import { nextLive } from '../../lib/room/schedule'
import { useActivities } from '../../use/use-activities'
import { useGuest } from '../../use/use-guest'
import { useOrders } from '../../use/use-orders'
import { notify } from '../../use/toast'
import { usePlayer } from '../../use/use-player'
import { useRoom } from '../../use/use-room'
import { useWords } from '../../use/use-words'
import { useIdentity } from '../../use/use-identity'
import { useOffers } from '../../use/use-offers'
import { useRoomInfo } from '../../use/use-room-info'
import { useLinkedProduct } from './use-linked-product'
import { useQuality } from './use-quality'
import { useStage } from './use-stage'

/** A token that could not be renewed now is tried again after this, ms. */
const RENEW_AGAIN_MS = 10_000
/** The replay of a live that is over is there after this, ms. */
const REPLAY_AFTER_MS = 3000

export function useRoomPage(roomId: string) {
  const { t, te } = useWords()
  const sheets = reactive({ bag: false, orders: false, leave: false, questions: false })
  /** The chat line being typed. */
  const draft = ref('')
  /** The chat line that was tapped. */
  const line = shallowRef<ChatLine | null>(null)

  let again = 0

  const guest = useGuest()
  const identity = useIdentity(guest)
  const orders = useOrders(guest, () => Object.assign(sheets, { bag: false, orders: true }))
  const { info, missing, closed, staffToken, reload } = useRoomInfo(roomId, guest.api)
  const token = () => staffToken.value ?? guest.token()
  const player = usePlayer(roomId, token)
  const room = useRoom(roomId, guest.token(), {
    onOrder: orders.pushed,
    onChatRefused,
    nextFrame: player.nextFrame,
    expectsFrames: player.expectsFrames,
  })
  /** A rehearsal that this viewer sees as staff; to all others nothing has begun. */
  const rehearses = computed(
    () => info.value?.rehearsal === true && !['live', 'paused'].includes(room.state.value.live.state),
  )
  const liveState = computed(() => {
    if (rehearses.value) return 'live'
    return room.ready.value ? room.state.value.live.state : (info.value?.state ?? 'scheduled')
  })
  const estateId = computed(() => guest.guest.value?.estate_id ?? info.value?.default_estate_id ?? null)
  const stage = useStage(player, liveState, room.ready)
  /** The live that is awaited while there is none. */
  const next = computed(() =>
    ['scheduled', 'over'].includes(liveState.value)
      ? nextLive(room.state.value.upcoming, room.at_ms.value)
      : null,
  )
  const withLinked = useLinkedProduct(roomId, guest.api, () => room.at_ms.value)
  const wallet = reactive<Wallet>({ coupons: [], offers: [] })
  const offers = useOffers(roomId, {
    api: guest.api,
    room,
    cards: () => withLinked(room.state.value.cards),
    orders,
    identity,
    estateId,
    info,
    wallet,
  })

  const activities = useActivities(roomId, guest.api, identity, room)

  const replayUrl = (liveId: string) =>
    `/r/${encodeURIComponent(roomId)}/replay/${encodeURIComponent(liveId)}`
  const lastReplay = computed(() =>
    info.value?.replay_live_id ? replayUrl(info.value.replay_live_id) : null,
  )
  /** Where a product was explained, null when there is no clip of it. */
  function clipOf(productId: string): string | null {
    const clip = info.value?.clips?.[productId]
    return clip ? `${replayUrl(clip.live_id)}?clip=${clip.id}` : null
  }
  // The recording is complete a moment after the live is over.
  watch(liveState, (now) => now === 'over' && reload(REPLAY_AFTER_MS))

  function sendChat(text: string): boolean {
    if (!identity.known()) {
      offers.wanted.value = null
      identity.require(() => restore(text))
      return false
    }
    const sent = room.chat(text)
    if (!sent) notify(t('chat.offline'))
    return sent
  }

  function onChatRefused(text: string, code: string): void {
    if (code !== 'held') restore(text)
    // Other reasons have words once the parts of moderation are there.
    const why = code === 'too-fast' ? 'chat.too_fast' : `chat_code.${code}`
    notify(t(te(why) ? why : 'chat.refused'))
  }

  /** Put a chat line back into the input, unless the viewer has typed another one. */
  function restore(text: string): void {
    draft.value ||= text
  }

  /** The token was refused: get another one of the same guest, and watch as nobody in particular until there is one. */
  async function renewIdentity(): Promise<void> {
    if (await guest.renew()) return
    room.channel.authorise(null)
    if (!guest.lost.value) again = window.setTimeout(() => void renewIdentity(), RENEW_AGAIN_MS)
  }
  onScopeDispose(() => clearTimeout(again))

  onMounted(() => {
    player.start()
    room.channel.open()
    orders.desk.resume()
    void orders.refresh()
  })
  watch(() => missing.value || closed.value, player.stop)
  watch(token, (now) => room.channel.authorise(now), { flush: 'sync' })
  watch(staffToken, () => {
    player.stop()
    player.start()
  })
  watch(room.channel.phase, async (phase) => {
    if (phase === 'closed' && room.channel.closeCode() === CloseCode.UNAUTHORISED) await renewIdentity()
    else if (phase === 'closed' && room.channel.closeCode() === CloseCode.REHEARSAL) reload(0)
    else if (phase === 'live') {
      // After every absence orders are fetched, and attempts made meanwhile are sent.
      void orders.refresh()
      orders.desk.wake()
      player.retryNow()
    }
  })
  watch(
    () => sheets.orders,
    (shown) => {
      if (shown) void orders.refresh()
    },
  )

  return {
    roomId,
    guest,
    identity,
    orders,
    room,
    player,
    info,
    missing,
    closed,
    rehearses,
    liveState,
    stage,
    next,
    quality: useQuality(player),
    offers,
    activities,
    coupons: { roomId, api: guest.api, identity, wallet },
    sheets,
    draft,
    line,
    lastReplay,
    clipOf,
    sendChat,
  }
}
export type RoomPage = ReturnType<typeof useRoomPage>
