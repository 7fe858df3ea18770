/**
 * How long pictures and sound wait before they are shown: as short as the browser likes on a good line, longer on one that
 * loses, so that what is sent again comes in time. A browser that only receives knows no round trip and would be late.
 */

/** Three tries of a repair on a mobile network, ms: at 3 % loss each way two fail about once a minute. */
export const CUSHION_MS = 450
/** Longer at most by this with each sample, so that the growing delay is no freeze itself, ms. */
export const STEP_MS = 75
/** A line that was good this long needs none, ms. */
export const GOOD_FOR_MS = 20_000
/** Parts of the packets asked for again, above which a line is one that loses. */
const MISSED_SHARE = 0.003
/** Packets that come more unevenly than this are worth a cushion, s. */
const JITTER_S_MAX = 0.03

export interface LineSample {
  packets: number
  nacks: number
  freezes: number
  jitter_s: number
}

export class Cushion {
  #before: LineSample | null = null
  #bad_at: number | null = null
  #target_ms: number | null = null

  /** Whether it grows or shrinks, step by step with each sample. */
  get changing(): boolean {
    return this.#target_ms !== null && (this.#bad_at === null || this.#target_ms < CUSHION_MS)
  }

  /** The least delay in ms, null for the browser's own choice, told by a sample taken at `now` (monotonic ms). */
  sample(sample: LineSample, now: number): number | null {
    const before = this.#before
    this.#before = sample
    if (before) {
      const missed = sample.nacks - before.nacks
      const packets = sample.packets - before.packets
      const bad =
        (missed > 1 && missed > packets * MISSED_SHARE) ||
        sample.freezes > before.freezes ||
        sample.jitter_s > JITTER_S_MAX
      if (bad) this.#bad_at = now
    }
    if (this.#bad_at !== null && now - this.#bad_at >= GOOD_FOR_MS) this.#bad_at = null
    const target_ms = this.#target_ms ?? 0
    if (this.#bad_at !== null) this.#target_ms = Math.min(CUSHION_MS, target_ms + STEP_MS)
    else this.#target_ms = target_ms > STEP_MS ? target_ms - STEP_MS : null
    return this.#target_ms
  }
}

/** What the statistics of the video track say of the line, or null before it exists. */
export function lineSample(stats: Iterable<Record<string, unknown>>): LineSample | null {
  for (const entry of stats)
    if (entry.type === 'inbound-rtp' && entry.kind === 'video')
      return {
        packets: Number(entry.packetsReceived ?? 0),
        nacks: Number(entry.nackCount ?? 0),
        freezes: Number(entry.freezeCount ?? 0),
        jitter_s: Number(entry.jitter ?? 0),
      }
  return null
}
