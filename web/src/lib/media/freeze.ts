/** Notices a picture that stands still, from the decoder's own counters. */

/** This long without a new frame is a freeze worth a new session, ms. */
export const FREEZE_MS = 4_000
/** Before the first frame a decoder may wait for a keyframe this long, ms. */
export const FIRST_FRAME_MS = 8_000

/** And without a packet, before it counts as the way's fault, ms. */
export const STALL_MS = 2_000

export interface VideoSample {
  frames_decoded: number
  packets_received: number
}
/**
 * `still`: no new frame, but not for long enough to act. `stalled`: frozen, and nothing arrives that could be decoded: the
 * way is at fault, not the picture.
 */
export type Picture = 'waiting' | 'moving' | 'still' | 'frozen' | 'stalled' | 'undecodable'

export class FreezeWatch {
  #frames = 0
  #packets = 0
  #arrived_ms: number
  #packets_at_start: number | null = null
  #changed_ms: number
  /** Since when packets come again after none did: the picture that was lost has to be sent anew. */
  #flows_ms: number

  constructor(now: number) {
    this.#changed_ms = now
    this.#flows_ms = now
    this.#arrived_ms = now
  }

  /** What the picture does, told by a sample taken at `now` (monotonic ms). */
  sample(sample: VideoSample, now: number): Picture {
    this.#packets_at_start ??= sample.packets_received
    if (sample.packets_received !== this.#packets) {
      if (now - this.#arrived_ms >= STALL_MS) this.#flows_ms = now
      this.#arrived_ms = now
    }
    this.#packets = sample.packets_received
    if (sample.frames_decoded > this.#frames) {
      this.#frames = sample.frames_decoded
      this.#changed_ms = now
      return 'moving'
    }
    const still_ms = now - Math.max(this.#changed_ms, this.#flows_ms)
    if (this.#frames > 0) {
      if (still_ms < FREEZE_MS) return 'still'
      return now - this.#arrived_ms >= STALL_MS ? 'stalled' : 'frozen'
    }
    if (still_ms < FIRST_FRAME_MS) return 'waiting'
    // Plenty arrives and nothing is decoded: this browser cannot play it.
    return sample.packets_received - this.#packets_at_start > 200 ? 'undecodable' : 'frozen'
  }

  /** Forgive what has passed: the page was hidden, or the host was away. */
  restart(now: number): void {
    this.#changed_ms = now
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
