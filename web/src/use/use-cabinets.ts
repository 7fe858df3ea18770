/** The cold cabinets of a store: read with every snapshot of its channel, and when one of them changes. */
import { computed, onScopeDispose, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import { type Cabinets, alarmed } from '../lib/shop/cabinets'

/** Wait before a failed request is repeated, ms. */
const RETRY_MS = 3000

/** `onAlarm`: a cabinet is in alarm that was not. */
export function useCabinets(storeId: string, api: Api, onAlarm: (name: string) => void) {
  const found = shallowRef<Cabinets>({ cabinets: [], marks: [] })
  let timer = 0

  async function refresh(): Promise<void> {
    clearTimeout(timer)
    try {
      const known = new Set(alarms.value.map(({ id }) => id))
      found.value = await api.get<Cabinets>(`/api/stores/${encodeURIComponent(storeId)}/cabinets`)
      const fresh = alarms.value.find(({ id }) => !known.has(id))
      if (fresh) onAlarm(fresh.name)
    } catch {
      timer = window.setTimeout(() => void refresh(), RETRY_MS)
    }
  }
  const alarms = computed(() => alarmed(found.value.cabinets))
  onScopeDispose(() => clearTimeout(timer))
  return {
    cabinets: computed(() => found.value.cabinets),
    marks: computed(() => found.value.marks),
    alarms,
    refresh,
  }
}
