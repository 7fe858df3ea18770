/** The host's camera and the live it goes out on. */
import { computed, onMounted, onScopeDispose, ref, watch } from 'vue'
import type { Api } from '../../lib/base/api'
import type { RoomState } from '../../lib/base/wire'
import { storage } from '../../use/storage'
import { notify } from '../../use/toast'
import { useCamera } from '../../use/use-camera'
import { usePublisher } from '../../use/use-publisher'
import { useWords } from '../../use/use-words'

/** Within this time after the tap the live has begun; one that began later is another one, ms. */
const BEGIN_MS = 60_000

/** `serverTime`: UTC ms. */
export function useAir(roomId: string, api: Api, token: () => string | null, serverTime: () => number) {
  const { t } = useWords()
  const camera = useCamera()
  const publisher = usePublisher(roomId, api, token)
  const onAir = computed(() => ['live', 'lost', 'connecting'].includes(publisher.phase.value))
  const started_at_ms = ref(0)
  const key = `linli.on-air.${roomId}`
  /** When this page went on air that was then closed or reloaded, UTC ms. */
  const leftSince = ref(Number(storage.getItem(key)))
  /** The sheet that asks before the live is ended. */
  const endShown = ref(false)
  const ending = ref(false)

  function goLive(): void {
    if (!camera.stream.value) return
    started_at_ms.value = serverTime()
    publisher.start(camera.stream.value)
    leftSince.value = 0
    storage.setItem(key, String(started_at_ms.value))
  }

  /** Whether `live` is the one that this page was closed or reloaded in. */
  function isInterrupted(live: RoomState['live']): boolean {
    if (onAir.value || leftSince.value === 0) return false
    const runs = live.state === 'live' || live.state === 'paused'
    return runs && (live.started_at_ms ?? 0) <= leftSince.value + BEGIN_MS
  }
  // The live is another device's then.
  watch(publisher.phase, (phase) => phase === 'taken_over' && storage.removeItem(key))

  /** Another lens, microphone or side, without leaving the air. */
  async function reopen(open: () => Promise<boolean>): Promise<void> {
    if ((await open()) && onAir.value && camera.stream.value) await publisher.replace(camera.stream.value)
  }

  async function end(): Promise<boolean> {
    ending.value = true
    try {
      await api.end(roomId)
      publisher.stop()
      storage.removeItem(key)
      endShown.value = false
      notify(t('host.ended'))
      return true
    } catch {
      notify(t('host.end_failed'))
      return false
    } finally {
      ending.value = false
    }
  }

  /** Browsers ask before they close or reload a page whose `beforeunload` is refused. */
  function askFirst(event: BeforeUnloadEvent): void {
    if (onAir.value) event.preventDefault()
  }
  window.addEventListener('beforeunload', askFirst)
  onScopeDispose(() => window.removeEventListener('beforeunload', askFirst))

  onMounted(() => void camera.open())
  return { camera, publisher, onAir, isInterrupted, started_at_ms, endShown, ending, goLive, reopen, end }
}
