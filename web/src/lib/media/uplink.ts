/** The host's uplink: bitrate, loss and RTT from WebRTC stats, and a verdict on them. */

/** Packet loss above which an uplink is weak. */
const LOSS_WEAK = 0.05
const LOSS_VERY_WEAK = 0.15
/** A bandwidth-limited video below this is hardly watchable, bit/s. */
const BITRATE_VERY_WEAK = 250_000
/** Samples in a row that must agree before the verdict changes: estimates begin low, and a burst of loss passes. */
export const AGREEING_SAMPLES = 3

type Entry = Record<string, unknown>

/** Counters of what was sent up to a moment. */
export interface Sent {
  at_ms: number
  bytes: number
  packets: Map<string, number>
}

export interface Uplink {
  /** All layers and audio together, bit/s. */
  bitrate: number
  rtt_ms: number | null
  /** Of the largest layer that is being sent. */
  frame_rate: number | null
  /** Part of the packets, 0 to 1; null before the server has reported. */
  lost: number | null
  /** The browser's encoder is limited by bandwidth. */
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

/** The uplink between two samples; `stats` are those of the second. Null when no time has passed. */
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

/** The fractions lost of the receiver reports, weighted by the packets that each is about. */
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

/** A verdict with hysteresis; null until enough samples agree. */
export class VerdictFilter {
  #verdict: Verdict | null = null
  #candidate: Verdict | null = null
  #agreeing = 0

  sample(uplink: Uplink): Verdict | null {
    const next = verdictOf(uplink)
    this.#agreeing = next === this.#candidate ? this.#agreeing + 1 : 1
    this.#candidate = next
    if (this.#agreeing >= AGREEING_SAMPLES) this.#verdict = next
    return this.#verdict
  }
}

function isOutbound(entry: Entry): boolean {
  return entry.type === 'outbound-rtp'
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
