/** What neighbours think of the goods of a room: stars by product, read after the first frame. */
import { type InjectionKey, type Ref, inject, provide, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'

/** Mean stars in tenths, and of how many ratings. */
export interface Stars {
  tenths: number
  count: number
}
type StarsByProduct = Ref<Readonly<Record<string, Stars>>>

const KEY: InjectionKey<StarsByProduct> = Symbol('stars')

/** Make a place for the stars; the cards below find it. */
export function provideStars(): void {
  provide(KEY, shallowRef({}))
}

/** The stars that are known, null on a page that shows none. */
export const useStars = (): StarsByProduct | null => inject(KEY, null)

export async function loadStars(api: Api, roomId: string, into: StarsByProduct): Promise<void> {
  try {
    const path = `/api/rooms/${encodeURIComponent(roomId)}/ratings`
    into.value = (await api.get<{ ratings: Record<string, Stars> }>(path)).ratings
  } catch {
    // Cards without stars are cards.
  }
}
