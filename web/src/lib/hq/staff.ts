/** Staff, as the head office's interface has them. */
import type { AtMs, LocalText } from '../base/wire'
import type { Versioned } from './list'

export const ROLES = ['host', 'store', 'leader', 'hq'] as const
export type StaffRole = (typeof ROLES)[number]

export interface Person extends Versioned {
  username: string
  name: string
  roles: string[]
  store_id: string
  store_name: LocalText | null
  estate_ids: string[]
  active: boolean
  /** No password was chosen yet. */
  invited: boolean
  /** An authenticator is on. */
  totp: boolean
}
export interface Link {
  token: string
  kind: 'invitation' | 'reset'
  ends_at_ms: AtMs
}

export type PersonState = 'active' | 'invited' | 'disabled'
export function stateOf(person: Person): PersonState {
  if (!person.active) return 'disabled'
  return person.invited ? 'invited' : 'active'
}

/** The address that whoever is invited opens. */
export const linkAddress = (origin: string, token: string) => `${origin}/invite#${token}`
