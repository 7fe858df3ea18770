/**
 * ICE restarts over PATCH (RFC 9725 section 4.3.3): a session whose network has changed goes on with its DTLS
 * keys, its tracks and its session on the server. Fragments are those of RFC 8840.
 */
import { REQUEST_TIMEOUT_MS } from '../base/api'
import { type Exchange, bearer } from './negotiate'
import { setOffer } from './stereo'
import { restoreRidExtensions } from './simulcast'
import type { Timers } from '../base/timers'

/** How long a stalled transport may take to recover (a lift, a tunnel); a new session would do no better, ms. */
export const RESTART_TIMEOUT_MS = 5_000
export const FRAGMENT = 'application/trickle-ice-sdpfrag'
const ICE_LINE = /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)(:|$)/

/** `gone`: the server no longer knows the session. `refused`: it knows it and does not restart it. */
type Restarted = 'applied' | 'unreachable' | 'refused' | 'gone'

/** The body of a restart request with the ICE credentials of `offer`; null when the offer has none. */
export function fragmentOf(offer: string): string | null {
  const lines = linesOf(offer)
  const media = lines.findIndex((line) => line.startsWith('m='))
  if (media < 0) return null
  const next = lines.findIndex((line, index) => index > media && line.startsWith('m='))
  const section = lines.slice(media + 1, next < 0 ? undefined : next)
  // All sections are bundled: they share the transport of the first one.
  const found = (name: string) =>
    section.find((line) => line.startsWith(`a=${name}:`)) ??
    lines.slice(0, media).find((line) => line.startsWith(`a=${name}:`))
  const [ufrag, password, mid] = [found('ice-ufrag'), found('ice-pwd'), found('mid')]
  if (!ufrag || !password || !mid) return null
  const session = lines.slice(0, media).filter((line) => line.startsWith('a=group:BUNDLE'))
  return [...session, lines[media], mid, ufrag, password, ''].join('\r\n')
}

/** The previous answer with the credentials and candidates of the server's fragment; null when it has none. */
export function answerOf(before: string, fragment: string): string | null {
  const lines = linesOf(fragment)
  const credentials = ['ice-ufrag', 'ice-pwd'].map((name) =>
    lines.find((line) => line.startsWith(`a=${name}:`)),
  )
  if (credentials.includes(undefined)) return null
  const candidates = lines.filter((line) => /^a=(candidate:|end-of-candidates)/.test(line))
  const kept = linesOf(before).filter((line) => !ICE_LINE.test(line))
  const ends = kept.flatMap((line, index) => (line.startsWith('m=') ? [index] : []))
  if (ends.length === 0) return null
  const starts = [...ends, kept.length]
  const sections = ends.map((from, index) => kept.slice(from, starts[index + 1]))
  return [
    ...kept.slice(0, ends[0]),
    ...sections.flatMap((section) => [...section, ...credentials, ...candidates]),
    '',
  ].join('\r\n')
}

/** Restart the ICE of `peer`, whose session is at `url`. Never throws: what went wrong is in the result. */
export async function restartIce(
  peer: RTCPeerConnection,
  url: string,
  exchange: Exchange,
): Promise<Restarted> {
  try {
    restoreRidExtensions(peer)
    peer.restartIce()
    await setOffer(peer, exchange.stereo, { iceRestart: true })
  } catch {
    return 'refused'
  }
  const body = fragmentOf(peer.localDescription?.sdp ?? '')
  const before = peer.remoteDescription?.sdp
  if (!body || !before) return 'refused'
  let fragment: string
  try {
    const response = await exchange.fetch(url, {
      method: 'PATCH',
      headers: { 'Content-Type': FRAGMENT, 'If-Match': '*', ...bearer(exchange.token) },
      body,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    if (response.status === 404 || response.status === 410) return 'gone'
    if (response.status !== 200) return 'refused'
    fragment = await response.text()
  } catch {
    return 'unreachable'
  }
  const sdp = answerOf(before, fragment)
  if (!sdp) return 'refused'
  try {
    await peer.setRemoteDescription({ type: 'answer', sdp })
  } catch {
    return 'refused'
  }
  return 'applied'
}

/**
 * Keeps the transport of one session alive with ICE restarts. Report what the connection does; it calls `onFailed`, once, when
 * only a new session can help. Close it with the session.
 */
export class IceRestarter {
  #restarting = false
  #restartAgain = false
  #stalled = false
  #closed = false
  #cancel: () => void = () => undefined

  constructor(
    private readonly peer: RTCPeerConnection,
    private readonly url: string,
    private readonly exchange: Exchange,
    private readonly timers: Timers,
    private readonly onFailed: () => void,
  ) {}

  /** No packets arrive: restart ICE, and fail if that has not helped in time. */
  stalled(): void {
    if (this.#closed || this.#stalled) return
    this.#startTimeout()
    void this.#restart()
  }

  /** The device has another network: move to it before the old path times out. */
  networkChanged(): void {
    if (!this.#closed) void this.#restart()
  }

  /** Packets arrive. */
  recovered(): void {
    this.#stalled = false
    this.#cancel()
  }

  close(): void {
    this.#closed = true
    this.recovered()
  }

  #startTimeout(): void {
    this.#cancel()
    this.#stalled = true
    this.#cancel = this.timers.after(RESTART_TIMEOUT_MS, () => this.#fail())
  }

  async #restart(): Promise<void> {
    this.#restartAgain = this.#restarting
    if (this.#restarting) return
    this.#restarting = true
    const result = await restartIce(this.peer, this.url, this.exchange)
    this.#restarting = false
    if (this.#closed) return
    // The request went out on the previous network.
    if (result === 'unreachable' && this.#restartAgain) return void this.#restart()
    // A transport that works is kept when its restart fails, unless the server has forgotten the session.
    if (result === 'gone' || (result !== 'applied' && this.#stalled)) this.#fail()
    else if (this.#stalled) this.#startTimeout()
  }

  #fail(): void {
    this.close()
    this.onFailed()
  }
}

function linesOf(sdp: string): string[] {
  return sdp.split(/\r?\n/).filter((line) => line !== '')
}
