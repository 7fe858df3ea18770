/** Reads QR codes from video: by the browser where it can, else by a decoder that is loaded then. */

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

async function loadedDetector(): Promise<QrDetector> {
  const { default: jsQR } = await import('jsqr')
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
