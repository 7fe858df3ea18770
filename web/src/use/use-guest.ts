/** Who this browser is in the shops: asked once, remembered, renewed when the token has run out. */
import { computed, ref } from 'vue'
import { Api, Refused } from '../lib/base/api'
import type { Guest } from '../lib/base/bodies'

const STORAGE_KEY = 'linli.guest'

interface Remembered {
  token: string
  guest: Guest
}

function load(): Remembered | null {
  try {
    const value = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null') as Remembered | null
    return value?.token && value.guest ? value : null
  } catch {
    return null
  }
}

export function useGuest() {
  const remembered = ref<Remembered | null>(load())
  const token = () => remembered.value?.token ?? null
  const api = new Api((url, init) => fetch(url, init), token)

  async function register(nickname: string, estate_id: string): Promise<void> {
    // Asked without the old token: an invalid one would only be refused again.
    const anonymous = new Api(
      (url, init) => fetch(url, init),
      () => null,
    )
    remembered.value = await anonymous.guest(nickname, estate_id)
    localStorage.setItem(STORAGE_KEY, JSON.stringify(remembered.value))
  }

  return {
    api,
    token,
    guest: computed(() => remembered.value?.guest ?? null),
    register,
    /** Get a fresh token for the same person. False when only the person can help. */
    async renew(): Promise<boolean> {
      const known = remembered.value?.guest
      if (!known) return false
      try {
        await register(known.nickname, known.estate_id)
        return true
      } catch (error) {
        // The estate is gone or the name is no longer allowed: ask again.
        if (error instanceof Refused && error.status === 422) remembered.value = null
        return false
      }
    },
  }
}
export type GuestModel = ReturnType<typeof useGuest>
