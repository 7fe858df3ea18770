import { describe, expect, it } from 'vitest'
import { answerOf, fragmentOf, restartIce } from '../../src/lib/media/ice-restart'
import { FakePeer, restartAnswer, sessionOf } from '../support/fake-peer'

const OFFER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  'a=group:BUNDLE 0 1',
  'm=video 9 UDP/TLS/RTP/SAVPF 108 96',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:new1',
  'a=ice-pwd:0123456789abcdefghijkl',
  'a=mid:0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=ice-ufrag:new1',
  'a=ice-pwd:0123456789abcdefghijkl',
  'a=mid:1',
].join('\r\n')
const ANSWER = [
  'v=0',
  'a=ice-lite',
  'm=video 9 UDP/TLS/RTP/SAVPF 108',
  'a=mid:0',
  'a=ice-ufrag:old',
  'a=ice-pwd:old-password',
  'a=candidate:1 1 udp 2 10.0.0.1 1 typ host',
  'a=end-of-candidates',
  'a=fmtp:108 x-google-start-bitrate=1000',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:1',
  'a=ice-ufrag:old',
  'a=ice-pwd:old-password',
  '',
].join('\r\n')
const FRAGMENT = [
  'a=ice-lite',
  'a=ice-ufrag:fresh',
  'a=ice-pwd:fresh-password',
  'm=video 9 UDP/TLS/RTP/SAVPF 108',
  'a=mid:0',
  'a=candidate:1 1 udp 2 10.0.0.2 5 typ host',
  'a=end-of-candidates',
  '',
].join('\r\n')

describe('fragmentOf', () => {
  it('has the bundle, the first section and the new credentials', () => {
    expect(fragmentOf(OFFER)).toBe(
      [
        'a=group:BUNDLE 0 1',
        'm=video 9 UDP/TLS/RTP/SAVPF 108 96',
        'a=mid:0',
        'a=ice-ufrag:new1',
        'a=ice-pwd:0123456789abcdefghijkl',
        '',
      ].join('\r\n'),
    )
  })

  it('takes session-level credentials, and is null without any', () => {
    const whole = 'v=0\na=ice-ufrag:u\na=ice-pwd:p\nm=audio 9 X 1\na=mid:a\n'
    expect(fragmentOf(whole)).toBe('m=audio 9 X 1\r\na=mid:a\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n')
    for (const broken of ['', 'v=0', 'm=audio 9 X 1\r\na=mid:a', 'm=audio 9 X 1\r\na=ice-ufrag:u'])
      expect(fragmentOf(broken)).toBeNull()
  })
})

describe('answerOf', () => {
  it('replaces the ICE lines of every section', () => {
    const answer = answerOf(ANSWER, FRAGMENT) ?? ''
    expect(answer).not.toContain('old')
    expect(answer).not.toContain('10.0.0.1')
    const [, video, audio] = answer.split(/(?=m=)/)
    for (const section of [video, audio]) {
      expect(section?.match(/a=ice-ufrag:fresh\r\n/g)).toHaveLength(1)
      expect(section?.match(/a=ice-pwd:fresh-password\r\n/g)).toHaveLength(1)
      expect(section?.match(/a=candidate:1 1 udp 2 10\.0\.0\.2 5 typ host\r\n/g)).toHaveLength(1)
    }
    expect(video).toContain('a=fmtp:108 x-google-start-bitrate=1000')
    expect(answer.startsWith('v=0\r\na=ice-lite\r\nm=video')).toBe(true)
  })

  it('is null without credentials or without a previous answer', () => {
    for (const broken of ['', 'a=ice-ufrag:x', 'a=ice-pwd:x', '<html>'])
      expect(answerOf(ANSWER, broken)).toBeNull()
    expect(answerOf('v=0', FRAGMENT)).toBeNull()
  })
})

describe('restartIce', () => {
  async function restarted(answer: () => Response) {
    const peer = new FakePeer()
    await peer.setRemoteDescription({ sdp: sessionOf('server') })
    const asked: [string, RequestInit][] = []
    const result = await restartIce(peer as unknown as RTCPeerConnection, '/live/demo/whip/s1', {
      url: '/live/demo/whip',
      token: 'secret',
      async fetch(url, init = {}) {
        asked.push([url, init])
        return answer()
      },
    })
    return { peer, asked, result }
  }

  it('sends one PATCH with If-Match: *', async () => {
    const { peer, asked, result } = await restarted(restartAnswer)
    expect(result).toBe('applied')
    expect(asked).toHaveLength(1)
    const [url, init] = asked[0] ?? ['', {}]
    expect(url).toBe('/live/demo/whip/s1')
    expect(init.method).toBe('PATCH')
    expect(init.headers).toEqual({
      'Content-Type': 'application/trickle-ice-sdpfrag',
      'If-Match': '*',
      Authorization: 'Bearer secret',
    })
    expect(init.body).toContain('a=ice-ufrag:offer1\r\n')
    expect(peer.remoteDescription?.sdp).toContain(
      'a=ice-ufrag:again\r\na=ice-pwd:again-password\r\na=candidate',
    )
  })

  it('offers the rid extensions again after an answer without simulcast', async () => {
    const peer = new FakePeer()
    await peer.setRemoteDescription({ sdp: sessionOf('server') })
    let extensions = [
      'urn:ietf:params:rtp-hdrext:sdes:mid',
      'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
      'x',
    ].map((uri) => ({ uri, direction: 'stopped' }))
    const video = {
      getHeaderExtensionsToNegotiate: () => extensions.map((one) => ({ ...one })),
      setHeaderExtensionsToNegotiate: (next: typeof extensions) => void (extensions = next),
    }
    Object.assign(peer, { getTransceivers: () => [video, {}] })
    const exchange = { url: '', token: null, fetch: async () => restartAnswer() }
    expect(await restartIce(peer as unknown as RTCPeerConnection, '/s', exchange)).toBe('applied')
    expect(extensions.map((one) => one.direction)).toEqual(['sendrecv', 'sendrecv', 'stopped'])
  })

  it.each([
    ['gone', () => new Response('{}', { status: 404 })],
    ['refused', () => new Response('{}', { status: 422 })],
    ['refused', () => new Response(null, { status: 204 })],
    ['refused', () => new Response('not a fragment', { status: 200 })],
    [
      'unreachable',
      () => {
        throw new TypeError('Failed to fetch')
      },
    ],
  ] as [string, () => Response][])('returns %s', async (meaning, answer) => {
    const { peer, result } = await restarted(answer)
    expect(result).toBe(meaning)
    expect(peer.remoteDescription?.sdp).toContain('a=ice-ufrag:server')
  })
})
