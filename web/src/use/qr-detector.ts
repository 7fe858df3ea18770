/** Reads QR and bar codes from video: by the browser where it can, else by decoders of our own. */

import type JsQr from 'jsqr'
import { readEan } from '../lib/shop/ean'
import decoderUrl from 'jsqr/dist/jsQR.js?url'

/** Pixels of the longer side that the decoder looks at: enough for a code in the hand, a few ms of work. */
const SIDE_MAX = 640

/** Rows of the middle of a picture in which a bar code is looked for. */
const ROWS = 15

export interface CodeDetector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>
}
/** Of the Shape Detection API. */
export interface DetectorClass {
  new (options: { formats: string[] }): CodeDetector
  getSupportedFormats(): Promise<string[]>
}

/** The browser's own detector if it reads QR codes: a browser may have one that knows no format. */
export function qrDetector(
  native = browserDetector(),
  fallback: () => Promise<CodeDetector> = loadedDetector,
): Promise<CodeDetector> {
  return detectorOf('qr_code', native, fallback)
}

/** The same for EAN-13, which our own decoder finds where it lies across the picture. */
export function barcodeDetector(native = browserDetector()): Promise<CodeDetector> {
  return detectorOf('ean_13', native, () => Promise.resolve(rowsDetector()))
}

const browserDetector = () => (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector

async function detectorOf(
  format: string,
  native: DetectorClass | undefined,
  fallback: () => Promise<CodeDetector>,
): Promise<CodeDetector> {
  try {
    if (native && (await native.getSupportedFormats()).includes(format))
      return new native({ formats: [format] })
  } catch {
    // What it has does not work.
  }
  return fallback()
}

function rowsDetector(): CodeDetector {
  const look = pictures()
  return {
    async detect(video) {
      const { data, width, height } = look(video)
      for (let n = 0; n < ROWS; n++) {
        const y = Math.floor((height * (n + 1)) / (ROWS + 1))
        const green = Uint8Array.from({ length: width }, (_, x) => data[4 * (y * width + x) + 1]!)
        const code = readEan(green)
        if (code) return [{ rawValue: code }]
      }
      return []
    },
  }
}

/** Takes pictures of a video, at most `SIDE_MAX` wide. */
function pictures(): (video: HTMLVideoElement) => ImageData {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  return (video) => {
    const scale = Math.min(1, SIDE_MAX / Math.max(video.videoWidth, video.videoHeight))
    canvas.width = Math.round(video.videoWidth * scale)
    canvas.height = Math.round(video.videoHeight * scale)
    context.drawImage(video, 0, 0, canvas.width, canvas.height)
    return context.getImageData(0, 0, canvas.width, canvas.height)
  }
}

/** The decoder is a script of its own: as a module it would bring a helper into the chunks of all pages. */
function load(): Promise<typeof JsQr> {
  const page = globalThis as { jsQR?: typeof JsQr }
  return new Promise((resolve, reject) => {
    if (page.jsQR) return resolve(page.jsQR)
    const script = document.createElement('script')
    script.src = decoderUrl
    script.onload = () => (page.jsQR ? resolve(page.jsQR) : reject(new Error('no decoder')))
    script.onerror = () => reject(new Error('decoder not loaded'))
    document.head.append(script)
  })
}

async function loadedDetector(): Promise<CodeDetector> {
  const jsQR = await load()
  const look = pictures()
  return {
    async detect(video) {
      const { data, width, height } = look(video)
      const found = jsQR(data, width, height, { inversionAttempts: 'dontInvert' })
      return found ? [{ rawValue: found.data }] : []
    },
  }
}
