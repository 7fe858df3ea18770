/** The host's camera and the live it goes out on. */
import { computed, onMounted, onScopeDispose, ref } from 'vue'
import type { Api } from '../../lib/base/api'
import { storage } from '../../use/storage'
import { notify } from '../../use/toast'
import { useCamera } from '../../use/use-camera'
import { usePublisher } from '../../use/use-publisher'
import { useWords } from '../../use/use-words'

/** `serverTime`: UTC ms. */
export function useAir(roomId: string, api: Api, token: () => string | null, serverTime: () => number) {
  const { t } = useWords()
  const camera = useCamera()
  const publisher = usePublisher(roomId, api, token)
  const onAir = computed(() => ['live', 'lost', 'connecting'].includes(publisher.phase.value))
  const started_at_ms = ref(0)
  const key = `linli.on-air.${roomId}`
  /** This page was on air when it was closed or reloaded. */
  const interrupted = ref(storage.getItem(key) !== null)
  /** The sheet that asks before the live is ended. */
  const endShown = ref(false)
  const ending = ref(false)

  function goLive(): void {
    if (!camera.stream.value) return
    started_at_ms.value = serverTime()
    publisher.start(camera.stream.value)
    interrupted.value = false
    storage.setItem(key, '1')
  }

  /** Another lens, microphone or side, without leaving the air. */
  async function reopen(open: () => Promise<boolean>): Promise<void> {
    if ((await open()) && onAir.value && camera.stream.value) await publisher.replace(camera.stream.value)
  }

  async function end(): Promise<void> {
    ending.value = true
    try {
      await api.end(roomId)
      publisher.stop()
      storage.removeItem(key)
      endShown.value = false
      notify(t('host.ended'))
    } catch {
      notify(t('host.end_failed'))
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
  return { camera, publisher, onAir, interrupted, started_at_ms, endShown, ending, goLive, reopen, end }
}
