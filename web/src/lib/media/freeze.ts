/** Detects frozen video from the decoder's own counters. */

/** This long without a new frame is a freeze worth a new session, ms. */
export const FREEZE_MS = 4_000
/** Before the first frame a decoder may wait for a key frame this long, ms. */
export const FIRST_FRAME_TIMEOUT_MS = 8_000
/** Frozen video without a packet for this long is the transport's fault, ms. */
const STALL_MS = 2_000
/** Packets received without a single decoded frame, above which this browser cannot decode the video. */
const UNDECODABLE_PACKETS = 200

interface VideoSample {
  frames_decoded: number
  packets_received: number
}
/**
 * `delayed`: no new frame, but not for long enough to act. `stalled`: frozen, and no packets arrive: the transport is at
 * fault, not the stream.
 */
type VideoState = 'waiting' | 'decoding' | 'delayed' | 'frozen' | 'stalled' | 'undecodable'

export class FreezeDetector {
  #frames = 0
  #packets = 0
  #packet_ms: number
  #packets_at_start: number | null = null
  #frame_ms: number
  /** When packets arrived again after a stall: the decoder needs a new key frame from then on. */
  #resumed_ms: number

  constructor(now: number) {
    this.#frame_ms = now
    this.#resumed_ms = now
    this.#packet_ms = now
  }

  /** The state of the video, from a sample taken at `now` (monotonic ms). */
  sample(sample: VideoSample, now: number): VideoState {
    this.#packets_at_start ??= sample.packets_received
    if (sample.packets_received !== this.#packets) {
      if (now - this.#packet_ms >= STALL_MS) this.#resumed_ms = now
      this.#packet_ms = now
    }
    this.#packets = sample.packets_received
    if (sample.frames_decoded > this.#frames) {
      this.#frames = sample.frames_decoded
      this.#frame_ms = now
      return 'decoding'
    }
    const frozen_ms = now - Math.max(this.#frame_ms, this.#resumed_ms)
    if (this.#frames > 0) {
      if (frozen_ms < FREEZE_MS) return 'delayed'
      return now - this.#packet_ms >= STALL_MS ? 'stalled' : 'frozen'
    }
    if (frozen_ms < FIRST_FRAME_TIMEOUT_MS) return 'waiting'
    return sample.packets_received - this.#packets_at_start > UNDECODABLE_PACKETS ? 'undecodable' : 'frozen'
  }

  /** Start the freeze timeout anew: the page was hidden, or the host was away. */
  restart(now: number): void {
    this.#frame_ms = now
  }
}

/** The counters of the video track among WebRTC stats, or null before it exists. */
export function videoSample(stats: Iterable<Record<string, unknown>>): VideoSample | null {
  for (const entry of stats)
    if (entry.type === 'inbound-rtp' && entry.kind === 'video')
      return {
        frames_decoded: Number(entry.framesDecoded ?? 0),
        packets_received: Number(entry.packetsReceived ?? 0),
      }
  return null
}
