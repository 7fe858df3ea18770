/** Where all places of the brand are, and a place to begin with for a new one. */
import { onMounted, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import type { PlaceMap } from '../lib/hq/places'
import type { LatLon } from '../lib/hq/projection'

const DIGITS = 5

export function usePlaceMap(api: Api) {
  const places = shallowRef<PlaceMap | null>(null)
  const failed = shallowRef(false)

  async function load(): Promise<void> {
    failed.value = false
    try {
      places.value = await api.get<PlaceMap>('/api/hq/map')
    } catch {
      failed.value = true
    }
  }
  /** The middle of all stores. */
  function middle(): LatLon {
    const stores = places.value?.stores ?? []
    const mean = (of: (at: LatLon) => number) =>
      Number((stores.reduce((sum, store) => sum + of(store), 0) / Math.max(1, stores.length)).toFixed(DIGITS))
    return { latitude: mean((at) => at.latitude), longitude: mean((at) => at.longitude) }
  }
  onMounted(() => void load())
  return { places, failed, load, middle }
}
