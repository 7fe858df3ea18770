/** One camera in three sizes at once, and what becomes of them when the server takes one only (RFC 8853). */

/** What a phone's uplink carries and 720p needs, bit/s. */
export const VIDEO_BITRATE_MAX = 1_500_000
export const FRAME_RATE_MAX = 30

const WHOLE: RTCRtpEncodingParameters = {
  maxBitrate: VIDEO_BITRATE_MAX,
  maxFramerate: FRAME_RATE_MAX,
  scaleResolutionDownBy: 1,
}

/** Small to large; at most 2.15 Mbit/s together. */
export const ENCODINGS: readonly RTCRtpEncodingParameters[] = [
  { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000, maxFramerate: 15 },
  { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 500_000, maxFramerate: FRAME_RATE_MAX },
  { rid: 'h', ...WHOLE },
]

/** Whether an answer takes more than one size of a video. */
export function takesSimulcast(answer: string): boolean {
  const streams = /^a=simulcast:(?:.* )?recv ([^\s]+)/m.exec(answer)?.[1]
  return streams !== undefined && streams.includes(';')
}

/**
 * Call once the answer is in place: a browser whose server takes one size keeps the first encoding, which is our smallest.
 * Make it the whole picture, and pause whatever a browser may have kept beside it.
 */
export async function settleEncodings(sender: RTCRtpSender, answer: string): Promise<void> {
  if (takesSimulcast(answer)) return
  const parameters = sender.getParameters()
  const [first, ...others] = parameters.encodings ?? []
  if (!first) return
  Object.assign(first, WHOLE)
  for (const other of others) other.active = false
  await sender.setParameters(parameters)
}

interface Extension {
  uri: string
  direction: string
}
/** Of the draft that Chromium implements (webrtc-extensions, "RTP header extension control"). */
interface ExtensionControl {
  getHeaderExtensionsToNegotiate?: () => Extension[]
  setHeaderExtensionsToNegotiate?: (extensions: Extension[]) => void
}

/**
 * Call before a second offer: Chromium offers the sizes again, but no longer the header extensions that name them if the first
 * answer did without, and then refuses its own offer.
 */
export function offerNamesAgain(peer: RTCPeerConnection): void {
  for (const transceiver of peer.getTransceivers?.() ?? []) {
    const control = transceiver as ExtensionControl
    const extensions = control.getHeaderExtensionsToNegotiate?.()
    if (!extensions) continue
    for (const extension of extensions)
      if (/:sdes:(mid|rtp-stream-id)$/.test(extension.uri)) extension.direction = 'sendrecv'
    control.setHeaderExtensionsToNegotiate?.(extensions)
  }
}
