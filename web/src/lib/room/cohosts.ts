/** Invitations to help the host of a room: what the server lists, and the link that is handed on. */
import type { AtMs } from '../base/wire'

/** `staff_id` is null until somebody has accepted. */
export interface Cohost {
  id: string
  invited_at_ms: AtMs
  staff_id: string | null
  nickname: string
  accepted_at_ms: AtMs | null
}
export interface Cohosts {
  cohosts: Cohost[]
  max: number
}
export interface Invitation {
  room_id: string
  token: string
}

const HASH = /^#cohost=([A-Za-z0-9][A-Za-z0-9_.:-]{0,63})\.([A-Za-z0-9_-]{16,128})$/

/** The secret is behind `#`: it is sent to no server and stands in no log. */
export const invitationLink = (origin: string, invitation: Invitation): string =>
  `${origin}/host#cohost=${invitation.room_id}.${invitation.token}`

/** What a link's part from `#` on invites to, or null. */
export function invitationOf(hash: string): Invitation | null {
  const found = HASH.exec(hash)
  return found?.[1] && found[2] ? { room_id: found[1], token: found[2] } : null
}
