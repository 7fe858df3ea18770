/** Asks for the viewer's name and estate before the first action that needs them. */
import { ref } from 'vue'
import type { GuestModel } from './use-guest'

export function useIdentity(guest: GuestModel) {
  const shown = ref(false)
  let pending: (() => void) | null = null
  const known = () => guest.guest.value !== null

  return {
    /** Whether the identity sheet is open. */
    shown,
    known,
    /** Run `action` now, or once the viewer has registered. */
    require(action: () => void): void {
      if (known()) return action()
      pending = action
      shown.value = true
    },
    /** The viewer has registered. */
    done(): void {
      pending?.()
      pending = null
    },
  }
}
export type IdentityModel = ReturnType<typeof useIdentity>
