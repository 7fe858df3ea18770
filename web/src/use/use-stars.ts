/** What neighbours think of the goods of a room: stars by product, read after the first frame. */
import { type InjectionKey, type Ref, inject, provide, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import type { AtMs } from '../lib/base/wire'

/** Mean stars in tenths, and of how many ratings. */
export interface Stars {
  tenths: number
  count: number
}
/** What a neighbour said of a product; tags are those of `after-sale.ts`. */
export interface Comment {
  stars: number
  tags: string[]
  words: string
  rated_at_ms: AtMs
}
type StarsByProduct = Ref<Readonly<Record<string, Stars>>> & {
  /** What neighbours said of a product, once the stars are known. */
  comments?: (productId: string) => Promise<{ ratings: Comment[] }>
}

const KEY: InjectionKey<StarsByProduct> = Symbol('stars')

/** Make a place for the stars; the cards below find it. */
export function provideStars(): void {
  provide(KEY, shallowRef({}))
}

/** The stars that are known, null on a page that shows none. */
export const useStars = (): StarsByProduct | null => inject(KEY, null)

export async function loadStars(api: Api, roomId: string, into: StarsByProduct): Promise<void> {
  const room = `/api/rooms/${encodeURIComponent(roomId)}/`
  into.comments = (id) => api.get(`${room}products/${encodeURIComponent(id)}/ratings`)
  try {
    into.value = (await api.get<{ ratings: Record<string, Stars> }>(`${room}ratings`)).ratings
  } catch {
    // Cards without stars are cards.
  }
}
