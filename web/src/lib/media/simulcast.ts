/** Simulcast of one camera in three layers, and what is sent when the server takes only one (RFC 8853). */

/** What a phone's uplink carries and 720p needs, bit/s. */
export const VIDEO_BITRATE_MAX = 1_500_000
const FRAME_RATE_MAX = 30

const FULL: RTCRtpEncodingParameters = {
  maxBitrate: VIDEO_BITRATE_MAX,
  maxFramerate: FRAME_RATE_MAX,
  scaleResolutionDownBy: 1,
}

/** Small to large; at most 2.15 Mbit/s together. */
export const ENCODINGS: readonly RTCRtpEncodingParameters[] = [
  { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000, maxFramerate: 15 },
  { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 500_000, maxFramerate: FRAME_RATE_MAX },
  { rid: 'h', ...FULL },
]

/** Whether an answer accepts more than one layer of a video. */
export function takesSimulcast(answer: string): boolean {
  const streams = /^a=simulcast:(?:.* )?recv ([^\s]+)/m.exec(answer)?.[1]
  return streams !== undefined && streams.includes(';')
}

/**
 * Call once the answer is applied: where the server accepts one layer, a browser keeps the first encoding, which is our
 * smallest. Make it full resolution, and pause whatever a browser may have kept beside it.
 */
export async function adjustEncodings(sender: RTCRtpSender, answer: string): Promise<void> {
  if (takesSimulcast(answer)) return
  const parameters = sender.getParameters()
  const [first, ...others] = parameters.encodings ?? []
  if (!first) return
  Object.assign(first, FULL)
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
 * Call before a second offer: Chromium offers the layers again, but not the header extensions that identify them if the first
 * answer left them out, and then refuses its own offer.
 */
export function restoreRidExtensions(peer: RTCPeerConnection): void {
  for (const transceiver of peer.getTransceivers?.() ?? []) {
    const control = transceiver as ExtensionControl
    const extensions = control.getHeaderExtensionsToNegotiate?.()
    if (!extensions) continue
    for (const extension of extensions)
      if (/:sdes:(mid|rtp-stream-id)$/.test(extension.uri)) extension.direction = 'sendrecv'
    control.setHeaderExtensionsToNegotiate?.(extensions)
  }
}
