import { describe, expect, it } from 'vitest'
import { type Exchange, negotiate } from '../../src/lib/media/negotiate'
import { isStereo, setOffer, withStereo } from '../../src/lib/media/stereo'
import { FakePeer, sessionOf } from '../support/fake-peer'

const AUDIO = ['m=audio 9 UDP/TLS/RTP/SAVPF 111 63', 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:63 red/48000/2']
const of = (...lines: string[]) => [...AUDIO, ...lines, ''].join('\r\n')

describe('withStereo', () => {
  it('adds the parameter to the format of Opus and to no other', () => {
    const sdp = of('a=fmtp:111 minptime=10;useinbandfec=1', 'a=fmtp:63 111/111')
    expect(withStereo(sdp, 'stereo=1')).toBe(
      of('a=fmtp:111 minptime=10;useinbandfec=1;stereo=1', 'a=fmtp:63 111/111'),
    )
  })

  it('writes a format where Opus has none', () => {
    expect(withStereo(of(), 'sprop-stereo=1')).toContain(
      'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 sprop-stereo=1\r\n',
    )
  })

  it('leaves alone what says so already, and what has no Opus', () => {
    const said = of('a=fmtp:111 maxplaybackrate=48000; stereo=1')
    expect(withStereo(said, 'stereo=1')).toBe(said)
    expect(withStereo(of('a=fmtp:111 sprop-stereo=1'), 'stereo=1')).toContain('sprop-stereo=1;stereo=1')
    expect(withStereo(sessionOf('a'), 'stereo=1')).toBe(sessionOf('a'))
  })
})

describe('isStereo', () => {
  const stream = (kind: string, channelCount?: number) =>
    ({ getTracks: () => [{ kind, getSettings: () => ({ channelCount }) }] }) as unknown as MediaStream

  it('is a microphone of two channels', () => {
    expect(isStereo(stream('audio', 2))).toBe(true)
    expect(isStereo(stream('audio', 1))).toBe(false)
    expect(isStereo(stream('audio'))).toBe(false)
    expect(isStereo(stream('video', 2))).toBe(false)
  })
})

describe('negotiate', () => {
  async function offered(peer: FakePeer): Promise<string> {
    peer.createOffer = async () => ({ type: 'offer', sdp: of('a=fmtp:111 minptime=10') })
    let body = ''
    const exchange: Exchange = {
      async fetch(_url, init) {
        body = String(init?.body)
        return new Response(sessionOf('server'), { status: 201 })
      },
      url: '/live/demo/whep',
      token: null,
      stereo: 'stereo=1',
    }
    await negotiate(peer as unknown as RTCPeerConnection, exchange)
    expect(peer.localDescription?.sdp).toBe(body)
    return body
  }

  it('offers stereo, to the browser and to the server', async () => {
    expect(await offered(new FakePeer())).toContain('a=fmtp:111 minptime=10;stereo=1')
  })

  it('offers mono in a browser that takes no changed offer', async () => {
    const peer = new FakePeer()
    const set = peer.setLocalDescription.bind(peer)
    peer.setLocalDescription = async (description) => {
      if (description.sdp.includes('stereo')) throw new DOMException('changed', 'InvalidModificationError')
      await set(description)
    }
    expect(await offered(peer)).not.toContain('stereo')
  })
})

describe('setOffer', () => {
  it('keeps stereo through an ICE restart', async () => {
    const peer = new FakePeer()
    const options: unknown[] = []
    peer.createOffer = async (given?: unknown) => {
      options.push(given)
      return { type: 'offer', sdp: of('a=fmtp:111 minptime=10') }
    }
    await setOffer(peer as unknown as RTCPeerConnection, 'stereo=1', { iceRestart: true })
    expect(peer.localDescription?.sdp).toContain('stereo=1')
    expect(options).toEqual([{ iceRestart: true }])
  })
})
