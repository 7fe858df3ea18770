/** Detects a transport on which nothing is received. A server sends something every half second, whatever the host does. */

export class ReceiveWatchdog {
  #packets = 0
  #received_ms: number | null = null

  /** `timeout_ms`: without a single packet for this long the transport is dead. */
  constructor(private readonly timeout_ms: number) {}

  /** Whether the transport timed out, from stats taken at `now` (monotonic ms); false where the browser does not count. */
  sample(stats: Iterable<Record<string, unknown>>, now: number): boolean {
    const packets = packetsReceived(stats)
    if (packets === null || packets !== this.#packets || this.#received_ms === null) {
      this.#packets = packets ?? 0
      this.#received_ms = now
    }
    return now - this.#received_ms >= this.timeout_ms
  }
}

/** All packets received on the transports, RTCP included. */
function packetsReceived(stats: Iterable<Record<string, unknown>>): number | null {
  let packets: number | null = null
  for (const entry of stats)
    if (entry.type === 'transport' && typeof entry.packetsReceived === 'number')
      packets = (packets ?? 0) + entry.packetsReceived
  return packets
}
