/** The replay's page: a recorded live, whose products can be bought while they are on sale. */
import { computed, onMounted, reactive, ref, watch } from 'vue'
import { CloseCode, type Card } from '../../lib/base/wire'
import { useGuest } from '../../use/use-guest'
import { useIdentity } from '../../use/use-identity'
import { useOffers } from '../../use/use-offers'
import { useOrders } from '../../use/use-orders'
import { useRoom } from '../../use/use-room'
import { useRoomInfo } from '../../use/use-room-info'
import { groupFor } from '../../lib/room/room-state'
import { useReplay } from './use-replay'

export function useReplayPage(roomId: string, liveId: string, clipId: string | null) {
  const sheets = reactive({ orders: false })
  const failed = ref(false)
  const guest = useGuest()
  const identity = useIdentity(guest)
  const orders = useOrders(guest, () => (sheets.orders = true))
  const room = useRoom(roomId, guest.token(), { onOrder: orders.pushed })
  const { info, missing: roomMissing } = useRoomInfo(roomId, guest.api)
  const replay = useReplay(roomId, liveId, clipId, guest.api)
  const estateId = computed(() => guest.guest.value?.estate_id ?? info.value?.default_estate_id ?? null)
  /** What was on the table at the time that plays, at today's price. */
  const cards = computed<Card[]>(() => {
    const clip = replay.replay.value?.clips.find((each) => each.product_id === replay.productId.value)
    return clip?.product ? [{ product: clip.product, pinned_at_ms: 0, media_time: null }] : []
  })
  /** The group of that product as it was then, of the reader's estate if that had one. */
  const groupThen = computed(() => {
    const groups = replay.state.value.groups
    const product = replay.productId.value
    if (product === null) return null
    return (
      groupFor(groups, product, estateId.value) ??
      groups.filter((group) => group.product_id === product).at(-1) ??
      null
    )
  })
  const offers = useOffers(roomId, {
    api: guest.api,
    room,
    cards: () => cards.value,
    orders,
    identity,
    estateId,
    info,
  })

  onMounted(() => {
    room.channel.open()
    orders.desk.resume()
    void orders.refresh()
  })
  watch(guest.token, (token) => room.channel.authorise(token), { flush: 'sync' })
  watch(room.channel.phase, async (phase) => {
    if (phase === 'closed' && room.channel.closeCode() === CloseCode.UNAUTHORISED) {
      if (!(await guest.renew())) room.channel.authorise(null)
    } else if (phase === 'live') {
      void orders.refresh()
      orders.desk.wake()
    }
  })

  return {
    guest,
    identity,
    orders,
    room,
    info,
    missing: computed(() => roomMissing.value || replay.missing.value),
    replay,
    estateId,
    offers,
    groupThen,
    sheets,
    failed,
  }
}
