/** A leader's day: fetched when its estate's channel says that something moved, kept for when there is no network. */
import { computed, onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import type { Api } from '../../lib/base/api'
import type { ServerMessage } from '../../lib/base/wire'
import type { LeaderDay } from '../../lib/leader/day'
import { storage } from '../../use/storage'
import { useChannel } from '../../use/use-channel'

/** What the channel does not tell changes too, such as the fate of a reminder, ms. */
const REFRESH_MS = 30_000
/** Without the channel the day is asked for, ms. */
const REFRESH_ALONE_MS = 8_000
/** Orders of a group move together; the day is fetched once for all of them, ms. */
const REFRESH_AFTER_MS = 300
/** Interval of the page's clock, ms. */
const CLOCK_EVERY_MS = 1_000

export function useLeaderDay(estateId: string, token: string | null, api: Api) {
  const key = `linli.leader.day.${estateId}`
  const day = shallowRef<LeaderDay | null>(load(key))
  const online = ref(true)
  /** The server's clock as seen from here, at each second. */
  const at_ms = ref(day.value?.now_ms ?? Date.now())
  let ahead_ms = 0
  let fetched_ms = 0
  let soon = 0

  async function refresh(): Promise<void> {
    clearTimeout(soon)
    fetched_ms = Date.now()
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

  function receive(message: ServerMessage): void {
    if (message.t === 'snapshot' || (message.t === 'tick' && message.events?.length)) {
      clearTimeout(soon)
      soon = window.setTimeout(() => void refresh(), REFRESH_AFTER_MS)
    }
  }

  const channel = useChannel(`estate:${estateId}`, token, receive)
  function tick(): void {
    at_ms.value = Date.now() + ahead_ms
    const every_ms = channel.phase.value === 'live' ? REFRESH_MS : REFRESH_ALONE_MS
    if (!document.hidden && Date.now() - fetched_ms >= every_ms) void refresh()
  }
  const clock = window.setInterval(tick, CLOCK_EVERY_MS)
  const back = () => document.hidden || void refresh()
  document.addEventListener('visibilitychange', back)
  onMounted(() => {
    channel.open()
    void refresh()
  })
  onScopeDispose(() => {
    clearInterval(clock)
    clearTimeout(soon)
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
