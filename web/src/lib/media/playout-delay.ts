/**
 * How long pictures and sound wait before they are shown: as short as the browser likes on a good line, longer on one that
 * loses, so that what is sent again comes in time. A browser that only receives knows no round trip and would be late.
 */

/** Three tries of a repair on a mobile network, ms: at 3 % loss each way two fail about once a minute. */
export const CUSHION_MS = 450
/** A way there and back on which a repair that has to be asked for twice comes too late for its picture, ms. */
export const LONG_WAY_MS = 30
/** On a long way: until a loss is noticed, and until the browser asks once more, ms. */
export const SECOND_TRY_MS = 150
/** What holds up the live for less is made up for by any browser, ms. */
export const HELD_MS = 50
/** Longer at most by this with each sample, so that the growing delay is no freeze itself, ms. */
export const STEP_MS = 50
/** The same while the first pictures are looked at so often: for a moment they move slower than they did, ms. */
export const FIRST_STEP_MS = 40
export const FIRST_SAMPLES_EVERY_MS = 50
/** Whatever is shown by then, it waits as long as was meant from the beginning, ms. */
export const BEGINS_FOR_MS = 3_000
/** A line that was good this long needs none, ms. */
export const GOOD_FOR_MS = 20_000
/** Parts of the packets asked for again, above which a line is one that loses. */
const MISSED_SHARE = 0.003
/** Counted within this, since a small picture has few packets, and one of them may be lost on any line, ms. */
export const MISSED_WITHIN_MS = 5_000
/** Packets that come more unevenly than this are worth a cushion, s. */
const JITTER_S_MAX = 0.03
/** While they are as uneven as this it stays: so they are now and then where the host's line loses, which no viewer sees. */
export const JITTER_S_KEPT = 0.018

export interface LineSample {
  packets: number
  nacks: number
  freezes: number
  jitter_s: number
  /** Pictures that left the browser's buffer, and for how long all of them together were in it. */
  shown: number
  waited_s: number
}

export class Cushion {
  #before: LineSample | null = null
  #counted: { from: LineSample; at: number } | null = null
  #bad_at = -Infinity
  /** Until then it gets no shorter. */
  #kept_until = -Infinity
  #target_ms: number | null = null
  /** What it grows to while the first pictures are shown, and until when. */
  #first: { target_ms: number; until: number } | null = null

  /** Whether the first pictures have yet to get their delay. */
  get beginning(): boolean {
    return this.#first !== null
  }

  /** Whether it grows or shrinks, step by step with each sample. */
  get changing(): boolean {
    return this.#target_ms !== null && this.#target_ms < CUSHION_MS
  }

  /**
   * The least delay to begin with, before the first picture; `sample` makes it longer from then on. On a long way repairs would
   * come too late without, and so would those of a host's line that loses. `round_trip_ms` is that of the checks that found
   * the way, `held_ms` what the host's repairs may hold up the live.
   */
  begin(round_trip_ms: number, held_ms: number, now: number): number | null {
    const way_ms = round_trip_ms < LONG_WAY_MS ? 0 : round_trip_ms + SECOND_TRY_MS
    const host_ms = held_ms < HELD_MS ? 0 : held_ms + STEP_MS
    if (!way_ms && !host_ms) return null
    this.#kept_until = now + GOOD_FOR_MS
    this.#first = { target_ms: Math.min(CUSHION_MS, Math.max(way_ms, host_ms)), until: now + BEGINS_FOR_MS }
    this.#target_ms = FIRST_STEP_MS
    return this.#target_ms
  }

  /** The least delay in ms, null for the browser's own choice, told by a sample taken at `now` (monotonic ms). */
  sample(sample: LineSample, now: number): number | null {
    const before = this.#before
    const froze = before !== null && sample.freezes > before.freezes
    const bad = this.#loses(sample, now) || froze || sample.jitter_s > JITTER_S_MAX
    if (bad && before) this.#bad_at = now
    this.#before = sample
    if (sample.jitter_s > JITTER_S_KEPT) this.#kept_until = Math.max(this.#kept_until, now + GOOD_FOR_MS)
    if (this.#first) return this.#growToFirst(this.#first, before, sample, now)
    const target_ms = this.#target_ms ?? 0
    if (now - this.#bad_at < GOOD_FOR_MS) this.#target_ms = Math.min(CUSHION_MS, target_ms + STEP_MS)
    else if (now >= this.#kept_until) this.#target_ms = target_ms > STEP_MS ? target_ms - STEP_MS : null
    return this.#target_ms
  }

  /**
   * No step further than the pictures follow: pictures that were asked for again are shown at once, whatever the least delay
   * is, and the first one that was not would stand still for all of it.
   */
  #growToFirst(
    first: { target_ms: number; until: number },
    before: LineSample | null,
    sample: LineSample,
    now: number,
  ): number {
    const shown = sample.shown - (before?.shown ?? 0)
    const waited_ms = shown > 0 ? ((sample.waited_s - (before?.waited_s ?? 0)) / shown) * 1000 : 0
    const target_ms = this.#target_ms ?? 0
    const reached_ms = Math.max(target_ms, Math.min(target_ms, waited_ms) + FIRST_STEP_MS)
    this.#target_ms = now < first.until ? Math.min(first.target_ms, reached_ms) : first.target_ms
    if (this.#target_ms === first.target_ms) this.#first = null
    return this.#target_ms
  }

  #loses(sample: LineSample, now: number): boolean {
    const counted = (this.#counted ??= { from: sample, at: now })
    const missed = sample.nacks - counted.from.nacks
    const loses = missed > 1 && missed > (sample.packets - counted.from.packets) * MISSED_SHARE
    if (loses || now - counted.at >= MISSED_WITHIN_MS) this.#counted = { from: sample, at: now }
    return loses
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
        shown: Number(entry.jitterBufferEmittedCount ?? 0),
        waited_s: Number(entry.jitterBufferDelay ?? 0),
      }
  return null
}

/** The mean round trip of the checks on the pair that was checked most, ms; 0 while there is none. */
export function checkedRoundTrip(stats: Iterable<Record<string, unknown>>): number {
  let round_trip_ms = 0
  let most = 0
  for (const entry of stats) {
    const responses = entry.type === 'candidate-pair' ? Number(entry.responsesReceived ?? 0) : 0
    if (responses <= most) continue
    most = responses
    round_trip_ms = (Number(entry.totalRoundTripTime) / responses) * 1000
  }
  return round_trip_ms
}
