/** A room that rehearses, as somebody sees it who is logged in on a page of the shop. */
import { Api } from '../lib/base/api'
import type { Room } from '../lib/base/bodies'
import { staffToken } from './use-staff'

/** The room with the token that opens it, null when no log-in of this browser does. */
export async function staffRoom(roomId: string): Promise<{ room: Room; token: string } | null> {
  for (const page of ['host', 'store', 'hq'] as const) {
    const token = staffToken(page)
    if (!token) continue
    const api = new Api(
      (url, init) => fetch(url, init),
      () => token,
    )
    try {
      return { room: await api.room(roomId), token }
    } catch {
      // It is another brand's log-in, or has ended: the next one may open it.
    }
  }
  return null
}
