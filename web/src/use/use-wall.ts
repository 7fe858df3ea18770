/** A brand's wall: fetched at every snapshot of its channel, kept current by its events. */
import { computed, onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import type { ServerMessage, WallChanged } from '../lib/base/wire'
import { type ShownWall, freshness, lacksLastWeek, withEvent } from '../lib/hq/wall'
import { useChannel } from './use-channel'
import { useHq } from './use-hq'

/** Interval of the page's clock, ms. */
const CLOCK_EVERY_MS = 1000
/** Wait before a failed request is repeated, ms. */
const RETRY_MS = 3000
/** What was not kept current for so long is fetched, ms. */
const FETCH_AFTER_MS = 10_000

export function useWall() {
  const { api, staff } = useHq()
  const wall = shallowRef<ShownWall | null>(null)
  const failed = ref(false)
  const now_ms = ref(Date.now())
  let channel: ReturnType<typeof useChannel> | null = null
  let timer = 0
  let isOver = false
  /** Events of while the whole wall is fetched; null: it is there. */
  let waiting: WallChanged[] | null = null
  const serverNow = () => channel?.serverTime() ?? Date.now()

  async function refresh(): Promise<void> {
    clearTimeout(timer)
    try {
      const whole = await api.get<ShownWall>('/api/hq/wall')
      if (isOver) return
      failed.value = false
      const newer = (waiting ?? []).filter((event) => event.made_at_ms > whole.made_at_ms)
      if (waiting || !wall.value || whole.made_at_ms >= wall.value.made_at_ms)
        wall.value = newer.reduce(withEvent, whole)
      waiting = null
      watchOver(whole.brand_id)
    } catch {
      failed.value = wall.value === null
      if (!isOver) timer = window.setTimeout(() => void refresh(), RETRY_MS)
    }
  }

  function watchOver(brandId: string): void {
    if (channel) return
    channel = useChannel(`hq:${brandId}`, staff.token(), receive)
    channel.open()
  }

  function receive(message: ServerMessage): void {
    if (message.t === 'snapshot') {
      waiting = []
      void refresh()
    }
    if (message.t !== 'tick' || !wall.value) return
    for (const event of message.events ?? []) {
      if (event.k !== 'wall') continue
      if (waiting) waiting.push(event)
      else wall.value = withEvent(wall.value, event)
    }
    if (lacksLastWeek(wall.value)) void refresh()
  }

  const clock = setInterval(() => {
    now_ms.value = serverNow()
    if (wall.value && now_ms.value - wall.value.made_at_ms > FETCH_AFTER_MS) void refresh()
  }, CLOCK_EVERY_MS)
  onMounted(() => void refresh())
  onScopeDispose(() => {
    isOver = true
    clearInterval(clock)
    clearTimeout(timer)
  })
  const age_ms = computed(() => (wall.value ? Math.max(0, now_ms.value - wall.value.made_at_ms) : 0))
  return {
    wall,
    failed,
    now_ms,
    age_ms,
    freshness: computed(() => freshness(age_ms.value, wall.value?.behind ?? 0)),
    refresh,
  }
}
