/**
 * The playout delay of video and audio (the receivers' `jitterBufferTarget`): the browser's own minimum on a clean link, longer
 * on a lossy one, so that retransmitted packets arrive in time. A receive-only browser has no RTT estimate and adapts too late.
 */

/** Room for three retransmissions on a mobile network, ms: at 3 % loss each way two fail about once a minute. */
export const PLAYOUT_DELAY_MAX_MS = 450
/** From this RTT on, a packet that is lost twice is retransmitted too late for its frame, ms. */
export const HIGH_RTT_MS = 30
/** Beyond the RTT: until a loss is detected, and until the browser sends its second NACK, ms. */
export const SECOND_NACK_MS = 150
/** A browser's own jitter buffer covers shorter holds by the host's retransmissions, ms. */
export const HELD_MIN_MS = 50
/** Largest increase per sample, so that the growing delay is no freeze itself, ms. */
export const STEP_MS = 50
/** The same during startup, when samples are this frequent: playout slows down for a moment, ms. */
export const STARTUP_STEP_MS = 40
export const STARTUP_SAMPLE_EVERY_MS = 50
/** The startup delay applies in full by then, whatever was rendered, ms. */
export const STARTUP_MAX_MS = 3_000
/** After this long without loss or jitter the delay shrinks again, ms. */
export const STABLE_MS = 20_000
/** NACKs per packet, above which a link counts as lossy. */
const NACK_RATIO_MAX = 0.003
/** NACKs are counted over this window: a small layer has few packets, and one may be lost on any link, ms. */
export const NACK_WINDOW_MS = 5_000
/** Interarrival jitter above which the delay grows, s. */
const JITTER_ONSET_S = 0.03
/** Interarrival jitter above which the delay does not shrink: a lossy host link shows as bursts of it, s. */
export const JITTER_HOLD_S = 0.018

interface ReceiveSample {
  packets: number
  nacks: number
  freezes: number
  jitter_s: number
  /** Frames that left the jitter buffer, and the time all of them together spent in it. */
  emitted: number
  buffered_s: number
}

export class PlayoutDelay {
  #before: ReceiveSample | null = null
  #window: { from: ReceiveSample; at: number } | null = null
  #impaired_at = -Infinity
  /** Until then it does not shrink. */
  #hold_until = -Infinity
  #target_ms: number | null = null
  /** What it grows to during startup, and until when. */
  #startup: { target_ms: number; until: number } | null = null

  /** Whether the first frames have yet to reach their delay. */
  get starting(): boolean {
    return this.#startup !== null
  }

  /** Whether it grows or shrinks, step by step with each sample. */
  get adapting(): boolean {
    return this.#target_ms !== null && this.#target_ms < PLAYOUT_DELAY_MAX_MS
  }

  /**
   * The minimum delay before the first frame, ms; null for the browser's own choice. `sample` raises it from then on. It covers
   * retransmissions at a high RTT and those of a lossy host link: `rtt_ms` is that of the ICE checks, `held_ms` how long the
   * host's retransmissions may hold back the live.
   */
  start(rtt_ms: number, held_ms: number, now: number): number | null {
    const viewer_ms = rtt_ms < HIGH_RTT_MS ? 0 : rtt_ms + SECOND_NACK_MS
    const host_ms = held_ms < HELD_MIN_MS ? 0 : held_ms + STEP_MS
    if (!viewer_ms && !host_ms) return null
    this.#hold_until = now + STABLE_MS
    const target_ms = Math.min(PLAYOUT_DELAY_MAX_MS, Math.max(viewer_ms, host_ms))
    this.#startup = { target_ms, until: now + STARTUP_MAX_MS }
    this.#target_ms = STARTUP_STEP_MS
    return this.#target_ms
  }

  /** The minimum delay after a sample taken at `now` (monotonic ms), in ms; null for the browser's own choice. */
  sample(sample: ReceiveSample, now: number): number | null {
    const before = this.#before
    const froze = before !== null && sample.freezes > before.freezes
    const impaired = this.#isLossy(sample, now) || froze || sample.jitter_s > JITTER_ONSET_S
    if (impaired && before) this.#impaired_at = now
    this.#before = sample
    if (sample.jitter_s > JITTER_HOLD_S) this.#hold_until = Math.max(this.#hold_until, now + STABLE_MS)
    if (this.#startup) return this.#growAtStartup(this.#startup, before, sample, now)
    const target_ms = this.#target_ms ?? 0
    if (now - this.#impaired_at < STABLE_MS)
      this.#target_ms = Math.min(PLAYOUT_DELAY_MAX_MS, target_ms + STEP_MS)
    else if (now >= this.#hold_until) this.#target_ms = target_ms > STEP_MS ? target_ms - STEP_MS : null
    return this.#target_ms
  }

  /**
   * One step above the delay that frames really have: a frame with a retransmitted packet is rendered at once, whatever the
   * target, and the first frame without one would freeze for all of it.
   */
  #growAtStartup(
    startup: { target_ms: number; until: number },
    before: ReceiveSample | null,
    sample: ReceiveSample,
    now: number,
  ): number {
    const emitted = sample.emitted - (before?.emitted ?? 0)
    const delay_ms = emitted > 0 ? ((sample.buffered_s - (before?.buffered_s ?? 0)) / emitted) * 1000 : 0
    const target_ms = this.#target_ms ?? 0
    const next_ms = Math.max(target_ms, Math.min(target_ms, delay_ms) + STARTUP_STEP_MS)
    this.#target_ms = now < startup.until ? Math.min(startup.target_ms, next_ms) : startup.target_ms
    if (this.#target_ms === startup.target_ms) this.#startup = null
    return this.#target_ms
  }

  #isLossy(sample: ReceiveSample, now: number): boolean {
    const counted = (this.#window ??= { from: sample, at: now })
    const nacks = sample.nacks - counted.from.nacks
    const lossy = nacks > 1 && nacks > (sample.packets - counted.from.packets) * NACK_RATIO_MAX
    if (lossy || now - counted.at >= NACK_WINDOW_MS) this.#window = { from: sample, at: now }
    return lossy
  }
}

/** The receive statistics of the video track, or null before it exists. */
export function receiveSample(stats: Iterable<Record<string, unknown>>): ReceiveSample | null {
  for (const entry of stats)
    if (entry.type === 'inbound-rtp' && entry.kind === 'video')
      return {
        packets: Number(entry.packetsReceived ?? 0),
        nacks: Number(entry.nackCount ?? 0),
        freezes: Number(entry.freezeCount ?? 0),
        jitter_s: Number(entry.jitter ?? 0),
        emitted: Number(entry.jitterBufferEmittedCount ?? 0),
        buffered_s: Number(entry.jitterBufferDelay ?? 0),
      }
  return null
}

/** The mean RTT of the checks on the candidate pair with the most responses, ms; 0 while there is none. */
export function iceRttMs(stats: Iterable<Record<string, unknown>>): number {
  let rtt_ms = 0
  let most = 0
  for (const entry of stats) {
    const responses = entry.type === 'candidate-pair' ? Number(entry.responsesReceived ?? 0) : 0
    if (responses <= most) continue
    most = responses
    rtt_ms = (Number(entry.totalRoundTripTime) / responses) * 1000
  }
  return rtt_ms
}
