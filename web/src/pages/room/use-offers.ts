/** The cards of a room as offers to this household, and the tap that takes one. */
import { type ComputedRef, computed, shallowRef } from 'vue'
import type { Card } from '../../lib/base/wire'
import { groupFor } from '../../lib/room/room-state'
import { type Offer, offerOf } from '../../lib/shop/offer'
import type { BagItem } from '../../parts/shop/BagSheet.vue'
import type { OrdersModel } from '../../use/use-orders'
import type { RoomModel } from '../../use/use-room'
import type { IdentityModel } from './use-identity'

interface OfferSources {
  room: RoomModel
  orders: OrdersModel
  identity: IdentityModel
  estateId: ComputedRef<string | null>
}

export function useOffers(roomId: string, { room, orders, identity, estateId }: OfferSources) {
  const items = computed<BagItem[]>(() => room.state.value.cards.map(itemOf))
  /** The offer that the identity sheet is opened for, null for chat. */
  const wanted = shallowRef<Offer | null>(null)

  function itemOf(card: Card): BagItem {
    const group = groupFor(room.state.value.groups, card.product.id, estateId.value)
    const attempt = orders.attempts.get(card.product.id) ?? null
    return { card, group, offer: offerOf(card, group, orders.orders.value, attempt, room.at_ms.value) }
  }

  function join(card: Card): void {
    wanted.value = itemOf(card).offer
    identity.require(() => {
      // The estate may have been chosen just now: the group is looked up after that.
      const { offer } = itemOf(card)
      if (offer.button === 'joined') return
      const group_id = offer.group?.id
      orders.desk.submit({
        room_id: roomId,
        product_id: card.product.id,
        quantity: 1,
        price_fen: offer.price_fen,
        ...(group_id ? { group_id } : {}),
      })
    })
  }

  return { items, top: computed(() => items.value[0] ?? null), wanted, join }
}
