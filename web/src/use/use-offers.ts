/** The cards of a room as offers to this household, and the taps that take one. */
import { type ComputedRef, type Ref, computed, reactive, ref, shallowRef, watch } from 'vue'
import type { Api } from '../lib/base/api'
import type { ProductDetail, Room } from '../lib/base/bodies'
import { BASKET, basketOf, isSpent } from '../lib/shop/basket'
import type { Card } from '../lib/base/wire'
import type { CouponChoice, Wallet } from '../lib/shop/coupons'
import { groupFor } from '../lib/room/room-state'
import { familyOf, offeredTo } from '../lib/shop/estate-offer'
import { type BagItem, type Offer, leftFor, offerOf, servedBy } from '../lib/shop/offer'
import { type Kind, presaleOf, presaleSpan, promiseOf, promisedRoute } from '../lib/shop/promise'
import type { OrdersModel } from './use-orders'
import { usePromises } from './use-promises'
import type { RoomModel } from './use-room'
import type { IdentityModel } from './use-identity'

interface OfferSources {
  api: Api
  room: RoomModel
  /** What is offered: the room's cards, or what a replay shows. */
  cards: () => Card[]
  orders: OrdersModel
  identity: IdentityModel
  estateId: ComputedRef<string | null>
  info: Ref<Room | null>
  /** Coupons that may come off an order, where the page has some. */
  wallet?: Wallet
}

export function useOffers(
  roomId: string,
  { api, room, cards, orders, identity, estateId, info, wallet }: OfferSources,
) {
  /** Whether this household pays members' prices; asked only where there are some. */
  const member = shallowRef(false)
  const hasMemberPrices = computed(() =>
    cards().some(({ product }) =>
      familyOf(product).some((sold) => [sold, ...(sold.offers ?? [])].some((one) => one.member_fen)),
    ),
  )
  async function readMember(): Promise<boolean> {
    if (!hasMemberPrices.value || !identity.known()) return false
    const answer = await api.get<{ member?: boolean }>('/api/me/phone').catch(() => null)
    member.value = answer?.member ?? false
    return member.value
  }
  watch(() => hasMemberPrices.value && identity.known(), readMember, { immediate: true })
  const items = computed<BagItem[]>(() => cards().flatMap((card) => itemOf(card) ?? []))
  const route = computed(
    () => info.value?.estates.find((estate) => estate.id === estateId.value)?.store_ids ?? null,
  )
  /** All about a product, as the estate is offered it. */
  function detail(productId: string): Promise<ProductDetail> {
    const path = `/api/rooms/${encodeURIComponent(roomId)}/products/${encodeURIComponent(productId)}`
    return api.get(estateId.value ? `${path}?estate=${encodeURIComponent(estateId.value)}` : path)
  }
  /** Chosen options by card, where it is not the first. */
  const chosen = reactive(new Map<string, string>())
  /** Chosen quantities by product, where it is not one. */
  const quantities = reactive(new Map<string, number>())
  /** Products that are bought together, in one order. */
  const picked = reactive(new Set<string>())
  /** The flash sale that gives this household nothing more: its product has the usual price. */
  const spent = ref<string | null>(null)
  watch(orders.attempts, (attempts) => {
    const sale = room.state.value.flash
    if (sale && isSpent(sale, attempts.values())) spent.value = sale.id
  })
  const basket = computed(() =>
    basketOf(items.value, picked, room.state.value.flash, room.at_ms.value, spent.value),
  )
  /** The offer that the identity sheet is opened for, null for chat. */
  const wanted = shallowRef<Offer | null>(null)
  /** What the confirmation asks about, and what it has chosen. */
  const asked = shallowRef<BagItem | null>(null)
  const askedKind = ref<Kind>('pickup')
  const { promises, refresh: refreshPromises } = usePromises(roomId, api, estateId)

  /** `shown` as the estate is offered it, null when it is not. */
  function itemOf(shown: Card): BagItem | null {
    // A shown card has the price of one estate already; the room's has those of all.
    const all =
      cards().find(({ product }) => familyOf(product).some((sold) => sold.id === shown.product.id))
        ?.product ?? shown.product
    const options = familyOf(all).flatMap((sold) => offeredTo(sold, estateId.value, member.value) ?? [])
    const product = options.find((sold) => sold.id === chosen.get(all.id)) ?? options[0]
    if (!product) return null
    const { id } = product
    const card = { ...shown, product }
    const presale = presaleOf(promises.value, id)
    const promised = presale ?? promises.value
    const group = groupFor(room.state.value.groups, id, estateId.value)
    const offer = offerOf(
      card,
      group,
      orders.orders.value,
      orders.attempts.get(id) ?? null,
      room.at_ms.value,
      {
        quantity: quantities.get(id) ?? 1,
        route: promisedRoute(promised, 'pickup', route.value),
        own: route.value?.[0],
        confirm_above_fen: info.value?.brand.confirm_above_fen ?? null,
        flash: room.state.value.flash?.id === spent.value ? null : room.state.value.flash,
      },
    )
    const store = info.value?.stores?.find((other) => other.id === offer.store?.id) ?? null
    const { quantity } = offer
    const bringing = offer.group
      ? null
      : servedBy(product, promised?.delivery.map((promise) => promise.store_id) ?? null, quantity)
    const canBring = bringing && leftFor(product, [bringing.id]) >= quantity
    return {
      card,
      head: all.id,
      options: options.length > 1 ? options : [],
      group,
      offer,
      store,
      promise: presale
        ? presaleSpan(presale)
        : offer.group
          ? null
          : promiseOf(promised, 'pickup', offer.store?.id),
      delivery: canBring ? promiseOf(promised, 'delivery', bringing.id) : null,
    }
  }

  function join(card: Card): void {
    wanted.value = itemOf(card)?.offer ?? null
    identity.require(() => {
      // The estate may have been chosen just now: the group is looked up after that.
      const item = itemOf(card)
      if (!item) return
      if (item.offer.button === 'joined' && !item.offer.again) return
      const coupon = wallet?.coupons.some(({ state }) => state === 'claimed')
      if (item.offer.confirm || coupon) ask(item)
      else submit(item)
    })
  }

  /** Ask how and when the buyer wants it. */
  function choosePlace(card: Card): void {
    wanted.value = itemOf(card)?.offer ?? null
    identity.require(() => {
      const item = itemOf(card)
      if (item) ask(item, 'delivery')
    })
  }

  function ask(item: BagItem, kind: Kind = 'pickup'): void {
    asked.value = item
    askedKind.value = kind
    void refreshPromises()
  }

  /** The buyer has confirmed what was asked, at the price and quantity that the sheet shows. */
  function confirmed(kind: Kind, coupon: CouponChoice | null): void {
    if (asked.value) submit(asked.value, kind, coupon)
    asked.value = null
  }

  function submit({ card, offer }: BagItem, kind: Kind = 'pickup', coupon: CouponChoice | null = null): void {
    const group_id = offer.group?.id
    quantities.delete(card.product.id)
    orders.desk.submit({
      room_id: roomId,
      product_id: card.product.id,
      quantity: offer.quantity,
      price_fen: offer.price_fen,
      ...(group_id ? { group_id } : {}),
      ...(offer.flash_id ? { flash_id: offer.flash_id } : {}),
      ...(kind === 'delivery' ? { fulfilment: kind } : {}),
      ...coupon,
    })
  }

  function pick(productId: string): void {
    if (!picked.delete(productId)) picked.add(productId)
  }

  function orderBasket(coupon: CouponChoice | null = null): void {
    wanted.value = null
    identity.require(() => {
      const { lines, count, total_fen } = basket.value
      if (lines.length < 2) return
      orders.desk.submit({
        room_id: roomId,
        product_id: BASKET,
        quantity: count,
        price_fen: total_fen,
        lines: lines.map((line) => ({ ...line })),
        ...coupon,
      })
    })
  }
  const basketPhase = computed(() => orders.attempts.get(BASKET)?.phase ?? null)
  /** What the latest order of several goods did not get. */
  const basketLacking = computed(() => orders.attempts.get(BASKET)?.lacking ?? null)
  watch(basketPhase, (phase) => {
    if (phase === 'placed') picked.clear()
  })

  return {
    items,
    readMember,
    route,
    detail,
    picked,
    basket,
    basketPhase,
    basketLacking,
    pick,
    submit,
    orderBasket,
    top: computed(() => items.value[0] ?? null),
    wanted,
    asked,
    askedKind,
    choosePlace,
    join,
    confirmed,
    choose: (card: Card, quantity: number) => quantities.set(card.product.id, quantity),
    chooseOption: ({ head }: BagItem, productId: string) => chosen.set(head, productId),
  }
}
export type OffersModel = ReturnType<typeof useOffers>
