/** Where a client stands in a channel's numbered events (docs/protocol.md, "What a client keeps"). */
import type { ChannelEvent, Tick } from '../base/wire'

export interface Position {
  epoch: string
  offset: number
}

/** The events of a tick that are new at `position`, and the position after them; null is a gap. */
export function follow(
  position: Position,
  tick: Tick,
): { position: Position; events: ChannelEvent[] } | null {
  const events = (tick.events ?? []).filter((event) => event.o > position.offset)
  const offset = events.at(-1)?.o ?? position.offset
  const contiguous = events.every((event, index) => event.o === position.offset + 1 + index)
  if (tick.epoch !== position.epoch || tick.offset !== offset || !contiguous) return null
  return { position: { epoch: position.epoch, offset }, events }
}
