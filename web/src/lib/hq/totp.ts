/** One's own authenticator, as the interface of staff has it. */
import type { Staff } from '../base/bodies'
import type { AtMs } from '../base/wire'

export interface TotpState {
  enabled: boolean
  confirmed_at_ms: AtMs | null
  recovery_codes_left: number
  /** The brand asks its head office for one. */
  needed: boolean
}
export interface Enrolment {
  secret: string
  uri: string
  /** A data: URI. */
  qr: string
}
export interface Enrolled {
  recovery_codes: string[]
  token: string
  staff: Staff
}

const GROUP = 4
/** A secret in groups of four, as people type it. */
export const groupsOf = (secret: string) => secret.match(new RegExp(`.{1,${GROUP}}`, 'g'))?.join(' ') ?? ''
