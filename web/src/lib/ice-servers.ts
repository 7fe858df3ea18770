/** STUN and TURN servers as `Link` headers name them (RFC 9725 section 4.6). */

const LINK = /<([^>]+)>((?:\s*;\s*[\w-]+="[^"]*")*)/g
const PARAMETER = /([\w-]+)="([^"]*)"/g

/** The ice servers of a `Link` header; other links, and what cannot be read, are left out. */
export function iceServers(header: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = []
  for (const [, url = '', tail = ''] of (header ?? '').matchAll(LINK)) {
    const found = new Map([...tail.matchAll(PARAMETER)].map(([, name = '', value = '']) => [name, value]))
    if (found.get('rel') !== 'ice-server' || !/^(stun|turn)s?:/.test(url)) continue
    const username = found.get('username')
    const credential = found.get('credential')
    servers.push(username && credential ? { urls: url, username, credential } : { urls: url })
  }
  return servers
}
