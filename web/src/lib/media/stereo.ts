/** Opus in stereo (RFC 7587): browsers decode and encode mono unless the descriptions say otherwise. */

/** What a side says of its Opus: that it plays stereo, or that it is about to send it. */
export type StereoParameter = 'stereo=1' | 'sprop-stereo=1'

/** A description whose Opus formats have `parameter`; one without Opus stays as it is. */
export function withStereo(sdp: string, parameter: StereoParameter): string {
  const payloads = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000/gim)].map((match) => match[1] ?? '')
  return payloads.reduce((text, payload) => {
    const format = new RegExp(`^(a=fmtp:${payload} )([^\\r\\n]*)`, 'm')
    const set = text.match(format)?.[2]
    if (set === undefined)
      return text.replace(
        new RegExp(`^(a=rtpmap:${payload} [^\\r\\n]*)`, 'm'),
        `$1\r\na=fmtp:${payload} ${parameter}`,
      )
    if (set.split(/\s*;\s*/).includes(parameter)) return text
    return text.replace(format, `$1$2;${parameter}`)
  }, sdp)
}

/** Have `peer` make an offer, with `parameter` if its browser takes that. */
export async function setOffer(
  peer: RTCPeerConnection,
  parameter?: StereoParameter,
  options?: RTCOfferOptions,
): Promise<void> {
  const offer = await peer.createOffer(options)
  if (parameter) {
    try {
      const sdp = withStereo(offer.sdp ?? '', parameter)
      return await peer.setLocalDescription({ type: offer.type, sdp })
    } catch {
      // A browser that takes no changed offer stays with mono.
    }
  }
  await peer.setLocalDescription(offer)
}

/** Whether a microphone gives two channels. */
export function isStereo(stream: MediaStream): boolean {
  return stream
    .getTracks()
    .some((track) => track.kind === 'audio' && (track.getSettings?.().channelCount ?? 1) > 1)
}
