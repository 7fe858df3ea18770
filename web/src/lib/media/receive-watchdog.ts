/** Notices a way on which nothing comes any more. While it is well something comes every half second, whatever the host does. */

export class Silence {
  #packets = 0
  #heard_ms: number | null = null

  /** Without a single packet for `patience_ms` the way is dead. */
  constructor(private readonly patience_ms: number) {}

  /** Whether the way is dead, told by statistics taken at `now` (monotonic ms); false where the browser does not count. */
  sample(stats: Iterable<Record<string, unknown>>, now: number): boolean {
    const packets = received(stats)
    if (packets === null || packets !== this.#packets || this.#heard_ms === null) {
      this.#packets = packets ?? 0
      this.#heard_ms = now
    }
    return now - this.#heard_ms >= this.patience_ms
  }
}

/** All that came over the transports, reports included. */
function received(stats: Iterable<Record<string, unknown>>): number | null {
  let packets: number | null = null
  for (const entry of stats)
    if (entry.type === 'transport' && typeof entry.packetsReceived === 'number')
      packets = (packets ?? 0) + entry.packetsReceived
  return packets
}
