/** Push messages to this browser: whether it takes them, and the subscription. */
import { ref } from 'vue'
import type { Api } from '../lib/base/api'
import { pushSupport } from '../lib/base/wechat'
import { useWords } from './use-words'

export type PushState = 'unknown' | 'off' | 'on' | 'denied' | 'failed'

export function usePush(api: Api) {
  const { locale } = useWords()
  const support = pushSupport({
    userAgent: navigator.userAgent,
    hasPush: 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window,
    standalone: window.matchMedia('(display-mode: standalone)').matches,
  })
  const state = ref<PushState>(support === 'yes' ? 'unknown' : 'off')

  async function registration(): Promise<ServiceWorkerRegistration> {
    return navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' })
  }
  async function current(): Promise<PushSubscription | null> {
    return (await registration()).pushManager.getSubscription()
  }

  /** Find out whether this browser is subscribed. */
  async function refresh(): Promise<void> {
    if (support !== 'yes') return
    try {
      if (Notification.permission === 'denied') state.value = 'denied'
      else state.value = (await current()) ? 'on' : 'off'
    } catch {
      state.value = 'failed'
    }
  }

  /** Ask the person, subscribe, and give the subscription to the server; to be called from a tap. */
  async function enable(): Promise<boolean> {
    if (support !== 'yes') return false
    try {
      if ((await Notification.requestPermission()) !== 'granted') {
        state.value = Notification.permission === 'denied' ? 'denied' : 'off'
        return false
      }
      const { key } = await api.get<{ key: string }>('/api/me/push')
      if (!key) throw new Error('the server has no push')
      const worker = await registration()
      await navigator.serviceWorker.ready
      const options = { userVisibleOnly: true, applicationServerKey: bytesOf(key) }
      const before = await worker.pushManager.getSubscription()
      // One of another key would be refused: the server's key has changed.
      if (before && !isOf(before, options.applicationServerKey)) await before.unsubscribe()
      const subscription = await worker.pushManager.subscribe(options)
      const { endpoint, keys } = subscription.toJSON()
      await api.send('PUT', '/api/me/push', { endpoint, keys, language: locale.value })
      state.value = 'on'
      return true
    } catch {
      state.value = 'failed'
      return false
    }
  }

  async function disable(): Promise<void> {
    try {
      const subscription = await current()
      if (subscription) {
        await api.send('DELETE', '/api/me/push', { endpoint: subscription.endpoint })
        await subscription.unsubscribe()
      }
      state.value = 'off'
    } catch {
      state.value = 'failed'
    }
  }

  return { support, state, refresh, enable, disable }
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'))
  const bytes = new Uint8Array(new ArrayBuffer(text.length))
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

function isOf(subscription: PushSubscription, key: Uint8Array): boolean {
  const own = subscription.options.applicationServerKey
  if (!own) return false
  const bytes = new Uint8Array(own)
  return bytes.length === key.length && bytes.every((byte, at) => byte === key[at])
}
