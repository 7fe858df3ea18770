import { expect, it } from 'vitest'
import { iceServers } from '../../src/lib/media/ice-servers'

it('reads STUN and TURN servers from a Link header', () => {
  const header = [
    '<stun:s.example>; rel="ice-server"',
    '<turn:t.example:3478?transport=tcp>; rel="ice-server"; username="9:a"; credential="b/c="; credential-type="password"',
    '</live/demo/whep/1/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive"',
    '<https://x.example>; rel="ice-server"',
  ].join(', ')
  expect(iceServers(header)).toEqual([
    { urls: 'stun:s.example' },
    { urls: 'turn:t.example:3478?transport=tcp', username: '9:a', credential: 'b/c=' },
  ])
})

it('returns no servers for other headers', () => {
  for (const header of [null, '', '<', '<turn:', 'rel="ice-server"', '<stun:a>; rel=ice-server']) {
    expect(iceServers(header)).toEqual([])
  }
})
