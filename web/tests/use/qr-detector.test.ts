import { describe, expect, it } from 'vitest'
import { type DetectorClass, qrDetector } from '../../src/use/qr-detector'

const loaded = { detect: async () => [] }
const fallback = async () => loaded

function native(formats: () => Promise<string[]>): DetectorClass {
  return class {
    static getSupportedFormats = formats
    detect = async () => []
  }
}

describe('QR detector', () => {
  it('is the browser’s own where it reads QR codes', async () => {
    const own = native(async () => ['ean_13', 'qr_code'])
    expect(await qrDetector(own, fallback)).toBeInstanceOf(own)
  })
  it('is loaded where the browser has none, none for QR codes, or a broken one', async () => {
    expect(await qrDetector(undefined, fallback)).toBe(loaded)
    expect(
      await qrDetector(
        native(async () => []),
        fallback,
      ),
    ).toBe(loaded)
    const broken = native(() => Promise.reject(new Error('no service')))
    expect(await qrDetector(broken, fallback)).toBe(loaded)
  })
})
