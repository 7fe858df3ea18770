/** How a host's picture leaves the device: numbers out of WebRTC's statistics, and what they mean in plain words. */

/** More of the packets lost than this is a weak line, and than this a very weak one. */
const LOSS_WEAK = 0.05
const LOSS_VERY_WEAK = 0.15
/** Below this a picture is hardly one, bit/s. */
const BITRATE_VERY_WEAK = 250_000
/** So many samples in a row must agree before the verdict changes: estimates begin low, and one burst of loss is no weather. */
export const AGREEING = 3

type Entry = Record<string, unknown>

/** What has been sent up to a moment. */
export interface Sent {
  at_ms: number
  bytes: number
  packets: Map<string, number>
}

export interface Uplink {
  /** All sizes and the sound together, bit/s. */
  bitrate: number
  rtt_ms: number | null
  /** Of the largest size that is being sent. */
  frame_rate: number | null
  /** Part of the packets, 0 to 1; null before the server has reported. */
  lost: number | null
  /** The browser sends less than it could because the line does not carry it. */
  limited: boolean
}
export type Verdict = 'good' | 'weak' | 'very_weak'

export function sentOf(stats: Entry[], at_ms: number): Sent {
  const outbound = stats.filter(isOutbound)
  return {
    at_ms,
    bytes: outbound.reduce((sum, entry) => sum + number(entry.bytesSent), 0),
    packets: new Map(outbound.map((entry) => [String(entry.id), number(entry.packetsSent)])),
  }
}

/** What happened between two moments; `stats` are those of the second. Null when no time has passed. */
export function uplinkOf(stats: Entry[], before: Sent, now: Sent): Uplink | null {
  const span_ms = now.at_ms - before.at_ms
  if (span_ms <= 0) return null
  const video = stats.filter((entry) => isOutbound(entry) && entry.kind === 'video' && entry.active !== false)
  const moving = video.filter((entry) => number(entry.framesPerSecond) > 0)
  const area = (entry: Entry) => number(entry.frameWidth) * number(entry.frameHeight)
  const largest = moving.sort((a, b) => area(b) - area(a))[0]
  const pair = stats.find((entry) => entry.type === 'candidate-pair' && entry.nominated === true)
  const rtt_s = Number(pair?.currentRoundTripTime)
  return {
    bitrate: Math.max(0, ((now.bytes - before.bytes) * 8000) / span_ms),
    rtt_ms: Number.isFinite(rtt_s) ? Math.round(rtt_s * 1000) : null,
    frame_rate: largest ? Math.round(number(largest.framesPerSecond)) : null,
    lost: lossOf(stats, before, now),
    limited: video.some((entry) => entry.qualityLimitationReason === 'bandwidth'),
  }
}

/** The server's reports, each counted by the packets it is about: a lost one of the small size is not a fifth of everything. */
function lossOf(stats: Entry[], before: Sent, now: Sent): number | null {
  let packets = 0
  let lost = 0
  for (const entry of stats) {
    if (entry.type !== 'remote-inbound-rtp' || typeof entry.fractionLost !== 'number') continue
    const id = String(entry.localId)
    const sent = Math.max(0, (now.packets.get(id) ?? 0) - (before.packets.get(id) ?? 0))
    packets += sent
    lost += sent * entry.fractionLost
  }
  return packets > 0 ? lost / packets : null
}

export function verdictOf(uplink: Uplink): Verdict {
  const lost = uplink.lost ?? 0
  if (lost > LOSS_VERY_WEAK || (uplink.limited && uplink.bitrate < BITRATE_VERY_WEAK)) return 'very_weak'
  return lost > LOSS_WEAK || uplink.limited ? 'weak' : 'good'
}

/** A verdict that changes its mind only for good reason; null until there is one. */
export class Judge {
  #verdict: Verdict | null = null
  #candidate: Verdict | null = null
  #agreeing = 0

  hear(uplink: Uplink): Verdict | null {
    const next = verdictOf(uplink)
    this.#agreeing = next === this.#candidate ? this.#agreeing + 1 : 1
    this.#candidate = next
    if (this.#agreeing >= AGREEING) this.#verdict = next
    return this.#verdict
  }
}

function isOutbound(entry: Entry): boolean {
  return entry.type === 'outbound-rtp'
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
