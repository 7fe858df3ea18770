/** Reads QR codes from video: by the browser where it can, else by a decoder that is loaded then. */

import type JsQr from 'jsqr'
import decoderUrl from 'jsqr/dist/jsQR.js?url'

/** Pixels of the longer side that the decoder looks at: enough for a code in the hand, a few ms of work. */
const SIDE_MAX = 640

export interface QrDetector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>
}
/** Of the Shape Detection API. */
export interface DetectorClass {
  new (options: { formats: string[] }): QrDetector
  getSupportedFormats(): Promise<string[]>
}

/** The browser's own detector if it reads QR codes: a browser may have one that knows no format. */
export async function qrDetector(
  native = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector,
  fallback: () => Promise<QrDetector> = loadedDetector,
): Promise<QrDetector> {
  try {
    if (native && (await native.getSupportedFormats()).includes('qr_code'))
      return new native({ formats: ['qr_code'] })
  } catch {
    // What it has does not work.
  }
  return fallback()
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

async function loadedDetector(): Promise<QrDetector> {
  const jsQR = await load()
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  return {
    async detect(video) {
      const scale = Math.min(1, SIDE_MAX / Math.max(video.videoWidth, video.videoHeight))
      canvas.width = Math.round(video.videoWidth * scale)
      canvas.height = Math.round(video.videoHeight * scale)
      context.drawImage(video, 0, 0, canvas.width, canvas.height)
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height)
      const found = jsQR(data, width, height, { inversionAttempts: 'dontInvert' })
      return found ? [{ rawValue: found.data }] : []
    },
  }
}
