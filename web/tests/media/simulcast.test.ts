import { describe, expect, it } from 'vitest'
import { ENCODINGS, adjustEncodings, takesSimulcast } from '../../src/lib/media/simulcast'

describe('takesSimulcast', () => {
  it.each([
    ['v=0\r\nm=video 9 X 96\r\na=simulcast:recv l;m;h\r\n', true],
    ['v=0\r\na=simulcast:send 1 recv l,x;m;h', true],
    ['v=0\r\na=simulcast:recv h\r\n', false],
    ['v=0\r\na=simulcast:send l;m;h\r\n', false],
    ['v=0\r\na=rid:l recv\r\n', false],
    ['', false],
  ])('%j accepts several layers: %s', (answer, takes) => {
    expect(takesSimulcast(answer)).toBe(takes)
  })
})

describe('an answer that accepts one layer', () => {
  it('sends full resolution with the first remaining encoding', async () => {
    for (const left of [1, 3]) {
      let encodings = ENCODINGS.slice(0, left).map((encoding) => ({ ...encoding }))
      const sender = {
        getParameters: () => ({ encodings }),
        setParameters: async (next: { encodings: typeof encodings }) => void (encodings = next.encodings),
      } as unknown as RTCRtpSender
      await adjustEncodings(sender, 'v=0')
      expect(encodings[0]).toMatchObject({
        maxBitrate: 1_500_000,
        scaleResolutionDownBy: 1,
        maxFramerate: 30,
      })
      expect(encodings.slice(1).every((encoding) => encoding.active === false)).toBe(true)
    }
  })
})
