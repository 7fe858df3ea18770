/** STUN and TURN servers as `Link` headers name them (RFC 9725 section 4.6). */
import { linksOf } from './links'

/** The ice servers of a `Link` header; other links, and what cannot be read, are left out. */
export function iceServers(header: string | null): RTCIceServer[] {
  return linksOf(header, 'ice-server')
    .filter(({ url }) => /^(stun|turn)s?:/.test(url))
    .map(({ url, parameters }) => {
      const username = parameters.get('username')
      const credential = parameters.get('credential')
      return username && credential ? { urls: url, username, credential } : { urls: url }
    })
}
