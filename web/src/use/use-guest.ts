/** Who this browser is in the shops: lib/shop/guest-session in the life of a page. */
import { computed, onMounted, onScopeDispose, shallowRef } from 'vue'
import { type Remembered, GuestSession } from '../lib/shop/guest-session'
import { storage } from './storage'

/** How often a page that stays open looks whether its token is to be renewed, ms. */
const FRESH_EVERY_MS = 3_600_000

export function useGuest() {
  const remembered = shallowRef<Remembered | null>(null)
  const session = new GuestSession({
    fetch: (url, init) => fetch(url, init),
    storage,
    at: Date.now,
    onChange: (changed) => (remembered.value = changed),
  })
  remembered.value = session.remembered

  const sync = () => session.sync()
  window.addEventListener('storage', sync)
  onScopeDispose(() => window.removeEventListener('storage', sync))
  onMounted(() => void session.keepFresh())
  const timer = setInterval(() => void session.keepFresh(), FRESH_EVERY_MS)
  onScopeDispose(() => clearInterval(timer))

  const token = computed(() => (remembered.value?.lost ? null : (remembered.value?.token ?? null)))
  return {
    api: session.api,
    token: () => token.value,
    guest: computed(() => (remembered.value?.lost ? null : (remembered.value?.guest ?? null))),
    /** The guest that the server does not take this device for any more. */
    lost: computed(() => (remembered.value?.lost ? remembered.value.guest : null)),
    register: (nickname: string, estate_id: string) => session.register(nickname, estate_id),
    restore: (code: string) => session.restore(code),
    /** This browser is nobody's any more. */
    forget: () => session.forget(),
    /** Get a fresh token for the same guest. False when it did not succeed; see `lost`. */
    renew: () => session.renew(),
  }
}
export type GuestModel = ReturnType<typeof useGuest>
