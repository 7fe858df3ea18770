/** A leader's day: fetched while it is shown, kept for when there is no network. */
import { computed, onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import type { Api } from '../../lib/base/api'
import type { LeaderDay } from '../../lib/leader/day'
import { storage } from '../../use/storage'

/** Groups grow and orders move at any time, ms. */
const REFRESH_MS = 8_000
/** Interval of the page's clock, ms. */
const CLOCK_EVERY_MS = 1_000

export function useLeaderDay(estateId: string, api: Api) {
  const key = `linli.leader.day.${estateId}`
  const day = shallowRef<LeaderDay | null>(load(key))
  const online = ref(true)
  /** The server's clock as seen from here, at each second. */
  const at_ms = ref(day.value?.now_ms ?? Date.now())
  let ahead_ms = 0

  async function refresh(): Promise<void> {
    try {
      const path = `/api/leader/estates/${encodeURIComponent(estateId)}/day`
      day.value = await api.get<LeaderDay>(path)
      ahead_ms = day.value.now_ms - Date.now()
      at_ms.value = day.value.now_ms
      online.value = true
      storage.setItem(key, JSON.stringify(day.value))
    } catch {
      // What was shown stays; the next refresh tries again.
      online.value = false
    }
  }

  const timers = [
    window.setInterval(() => document.hidden || void refresh(), REFRESH_MS),
    window.setInterval(() => (at_ms.value = Date.now() + ahead_ms), CLOCK_EVERY_MS),
  ]
  const back = () => document.hidden || void refresh()
  document.addEventListener('visibilitychange', back)
  onMounted(() => void refresh())
  onScopeDispose(() => {
    timers.forEach((timer) => clearInterval(timer))
    document.removeEventListener('visibilitychange', back)
  })
  return { day, online, at_ms, refresh, orders: computed(() => day.value?.orders ?? []) }
}
export type LeaderDayModel = ReturnType<typeof useLeaderDay>

function load(key: string): LeaderDay | null {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null') as LeaderDay | null
  } catch {
    return null
  }
}
