/**
 * The program clock of a live, which all roads share (media/stream/program_time.py): ticks of 90 kHz since 1970 (UTC), of
 * which RTP timestamps and the `media_time` of events are the low 32 bits.
 */

const TICKS_PER_MS = 90
const TURN = 2 ** 32
/** A frame is taken for that of an event this early: half of a frame at 15 frames a second, ticks. */
const EARLY = 3_000
/** An event that lies so far ahead is of another clock, ticks. */
const AHEAD_MAX = 30_000 * TICKS_PER_MS

/** The media time of a program date, ms since 1970. */
export function mediaTime(date_ms: number): number {
  return Math.round(date_ms * TICKS_PER_MS) % TURN
}

/** How long after `earlier` a media time lies, ticks; negative before it. */
function ticksSince(media_time: number, earlier: number): number {
  const ticks = (((media_time - earlier) % TURN) + TURN) % TURN
  return ticks < TURN / 2 ? ticks : ticks - TURN
}

/** Whether what belongs to `media_time` is to be shown with a frame of `shown`. */
export function isDue(media_time: number, shown: number): boolean {
  const ahead = ticksSince(media_time, shown)
  return ahead <= EARLY || ahead > AHEAD_MAX
}
