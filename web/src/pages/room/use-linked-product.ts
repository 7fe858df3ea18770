/** The product that the link to the room names, `?p=`: it lies on top until the host pins another one. */
import { onMounted, shallowRef } from 'vue'
import type { Api } from '../../lib/base/api'
import type { ProductDetail } from '../../lib/base/bodies'
import { withLinked } from '../../lib/room/linked'
import type { Card } from '../../lib/base/wire'

export function useLinkedProduct(roomId: string, api: Api, atMs: () => number) {
  const linked = shallowRef<Card | null>(null)
  const id = new URLSearchParams(location.search).get('p')
  onMounted(async () => {
    if (!id) return
    const path = `/api/rooms/${encodeURIComponent(roomId)}/products/${encodeURIComponent(id)}`
    // What is not sold here any more is not shown; the room is.
    const found = await api.get<ProductDetail>(path).catch(() => null)
    if (found) linked.value = { product: found.product, pinned_at_ms: atMs(), media_time: null }
  })
  return (cards: Card[]) => withLinked(cards, linked.value)
}
