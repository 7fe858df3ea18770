/** One WHIP or WHEP exchange (RFC 9725): offer out, answer in, and the session's address for DELETE. */
import { type Fetch, REQUEST_TIMEOUT_MS, Unreachable, refusal } from '../base/api'
import { iceServers } from './ice-servers'
import { linksOf } from './links'
import { type StereoParameter, setOffer } from './stereo'

/** Layer selection (a WHEP extension). */
const LAYER_REL = 'urn:ietf:params:whep:ext:core:layer'

/** Problem type of a host's session that another host ended. */
const TAKEN_OVER = 'taken-over'
/** Longest wait for what became of a session; a lost host reconnects after that, ms. */
const STATUS_TIMEOUT_MS = 3_000

export interface Exchange {
  fetch: Fetch
  /** Where to POST the offer. */
  url: string
  token: string | null
  /** Initial video bitrate, kbit/s; browsers otherwise start at 300 and take many seconds to sharp video. */
  start_kbps?: number
  /** What the offer says of stereo; without it both sides take mono. */
  stereo?: StereoParameter
}

/**
 * The result of a negotiation. `ice_servers` are TURN relays for blocked networks; `layer_url` is `''` without layers;
 * `held_ms` is how long retransmissions on the host's link may hold back the live.
 */
export interface Session {
  url: string
  ice_servers: RTCIceServer[]
  layer_url: string
  held_ms: number
  /** As the server wrote it. */
  answer: string
}

/**
 * Send the offer of `peer`, apply the server's answer. ICE candidates are not waited for: the server is ICE-lite and learns
 * ours from the checks.
 *
 * Returns the session. Raises Unreachable and Refused (lib/base/api), and what `peer` raises on an answer it
 * cannot take.
 */
export async function negotiate(peer: RTCPeerConnection, exchange: Exchange): Promise<Session> {
  await setOffer(peer, exchange.stereo)
  let response: Response
  try {
    response = await exchange.fetch(exchange.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Accept: 'application/sdp', ...bearer(exchange.token) },
      body: peer.localDescription?.sdp ?? '',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  } catch {
    throw new Unreachable(exchange.url)
  }
  if (!response.ok) throw await refusal(response)
  const url = response.headers.get('Location') ?? ''
  const link = response.headers.get('Link')
  const answer = await response.text()
  const sdp = exchange.start_kbps ? withStartBitrate(answer, exchange.start_kbps) : answer
  await peer.setRemoteDescription({ type: 'answer', sdp })
  return {
    url,
    ice_servers: iceServers(link),
    layer_url: linksOf(link, LAYER_REL)[0]?.url ?? '',
    held_ms: heldOf(response.headers.get('Server-Timing')),
    answer,
  }
}

/** The duration of the metric `held` (W3C Server Timing), ms; 0 where the server does not say. */
function heldOf(timing: string | null): number {
  return Number(timing?.match(/(?:^|,)\s*held\s*;\s*dur=(\d{1,6})\b/)?.[1] ?? 0)
}

/** DELETE the session. Survives the page (keepalive); an error changes nothing, the server times out by itself. */
export async function endSession(session: string, exchange: Exchange): Promise<void> {
  if (!session) return
  try {
    await exchange.fetch(session, { method: 'DELETE', keepalive: true, headers: bearer(exchange.token) })
  } catch {
    // Nothing to do: the server times out.
  }
}

/** Whether the server says that another host publishes in place of `session`; false where it cannot be asked. */
export async function wasTakenOver(session: string, fetch: Fetch): Promise<boolean> {
  if (!session) return false
  try {
    const response = await fetch(session, { method: 'GET', signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) })
    return response.status === 410 && (await refusal(response)).kind === TAKEN_OVER
  } catch {
    return false
  }
}

/**
 * Call back once the other end has closed its transport (DTLS close_notify): browsers do not report that as a failed
 * connection, only as missing packets seconds later.
 */
export function onTransportClosed(peer: RTCPeerConnection, callback: () => void): void {
  const ends = [...(peer.getSenders?.() ?? []), ...(peer.getReceivers?.() ?? [])]
  const transport = ends.find((end) => end.transport)?.transport
  if (!transport) return
  transport.onstatechange = () => {
    if (transport.state === 'closed' || transport.state === 'failed') callback()
  }
}

/** An answer that lets the browser start its video at `kbps` (a parameter of libwebrtc; others ignore it). */
export function withStartBitrate(sdp: string, kbps: number): string {
  const parameter = `x-google-start-bitrate=${kbps}`
  return sdp.replace(/m=video [\s\S]*?(?=\r?\nm=|$)/, (section) => {
    const payload = section.match(/^m=video \S+ \S+ (\d+)/)?.[1]
    if (payload === undefined) return section
    const format = new RegExp(`(a=fmtp:${payload} [^\\r\\n]*)`)
    if (format.test(section)) return section.replace(format, `$1;${parameter}`)
    return section.replace(
      new RegExp(`(a=rtpmap:${payload} [^\\r\\n]*)`),
      `$1\r\na=fmtp:${payload} ${parameter}`,
    )
  })
}

/** Order codecs for an offer: the preferred MIME subtypes first, in that order, then everything else. */
export function preferCodecs<T extends { mimeType: string; sdpFmtpLine?: string }>(
  codecs: T[],
  subtypes: string[],
): T[] {
  const rank = (codec: T): number => {
    const index = subtypes.findIndex((subtype) =>
      codec.mimeType.toLowerCase().endsWith(`/${subtype.toLowerCase()}`),
    )
    if (index < 0) return subtypes.length * 10
    // Of the H.264 profiles, constrained baseline in packetization mode 1 is the one every viewer decodes.
    const fmtp = codec.sdpFmtpLine ?? ''
    const baseline = /profile-level-id=42e0/i.test(fmtp) && /packetization-mode=1/.test(fmtp)
    return index * 10 + (index === 0 && !baseline ? 1 : 0)
  }
  return [...codecs].sort((a, b) => rank(a) - rank(b))
}

/** The Authorization header, if there is a token. */
export function bearer(token: string | null): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {}
}
