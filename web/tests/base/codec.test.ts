import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage } from '../../src/lib/base/codec'

describe('the wire', () => {
  it('decodes both codecs, and ignores invalid messages', () => {
    const ping = { t: 'ping', id: 3 } as const
    expect(decodeMessage(encodeMessage(ping, 'linli.v1.json') as string)).toEqual(ping)
    expect(decodeMessage(encodeMessage(ping, 'linli.v1.msgpack') as Uint8Array)).toEqual(ping)
    for (const nonsense of ['', '{', '[]', 'null', '{"t":1}', new Uint8Array([0xc1])])
      expect(decodeMessage(nonsense)).toBeNull()
  })
})
