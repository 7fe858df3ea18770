/** Who is logged in on the shop's pages; kept for this tab's session and the next. */
import { computed, ref } from 'vue'
import { Api } from '../lib/base/api'
import type { Staff } from '../lib/base/bodies'
import { storage } from './storage'

interface Session {
  token: string
  staff: Staff
}

export function useStaff(page: 'host' | 'store' | 'leader' | 'hq') {
  const key = `linli.${page}`
  const session = ref<Session | null>(load(key))
  const expired = ref(false)
  const api = new Api(
    async (url, init) => {
      const response = await fetch(url, init)
      if (response.status === 401 && session.value) {
        forget()
        expired.value = true
      }
      return response
    },
    () => session.value?.token ?? null,
  )

  /** Go on with a new log-in. */
  function adopt(made: Session): void {
    session.value = made
    expired.value = false
    storage.setItem(key, JSON.stringify(made))
  }
  function forget(): void {
    session.value = null
    storage.removeItem(key)
  }

  return {
    api,
    expired,
    staff: computed(() => session.value?.staff ?? null),
    token: () => session.value?.token ?? null,
    /** `code` is one of the authenticator, for whom the server asks for it. */
    async login(username: string, password: string, code = ''): Promise<void> {
      adopt(await api.login(username, password, code))
    },
    adopt,
    logout: forget,
    /** Be logged in on another page, too. */
    shareWith(other: 'host' | 'store'): void {
      if (session.value) storage.setItem(`linli.${other}`, JSON.stringify(session.value))
    },
    /** The server takes this log-in no more: ask for it again. */
    expire(): void {
      if (session.value) expired.value = true
      forget()
    },
  }
}
export type StaffModel = ReturnType<typeof useStaff>

/** The token that is kept for a page, whether it still holds or not. */
export const staffToken = (page: 'host' | 'store' | 'hq') => load(`linli.${page}`)?.token ?? null

function load(key: string): Session | null {
  try {
    const value = JSON.parse(storage.getItem(key) ?? 'null') as Session | null
    return value?.token && value.staff ? value : null
  } catch {
    return null
  }
}
