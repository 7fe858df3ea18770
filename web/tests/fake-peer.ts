/** A peer connection without a network, as far as lib/ uses one. */
export class FakePeer {
  connectionState = 'new'
  closed = false
  offered: string[] = []
  preferred: { mimeType: string }[] = []
  encodings: unknown[] = []
  frames_per_second = 0
  packets_per_second = 0
  localDescription: { sdp: string } | null = null
  ontrack: ((event: unknown) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  #frames = 0
  #packets = 0
  #bytes = 0

  addTransceiver(what: string | { kind: string }, init: { direction: string; sendEncodings?: unknown[] }) {
    this.offered.push(`${typeof what === 'string' ? what : what.kind}:${init.direction}`)
    this.encodings.push(...(init.sendEncodings ?? []))
    return { setCodecPreferences: (codecs: { mimeType: string }[]) => (this.preferred = codecs) }
  }
  readonly transport = { state: 'connected', onstatechange: null as (() => void) | null }
  getSenders() {
    return [{ transport: this.transport }]
  }
  /** The other end says goodbye, as a server does to a host that another one replaces. */
  closeTransport() {
    this.transport.state = 'closed'
    this.transport.onstatechange?.()
  }
  async createOffer() {
    return { type: 'offer', sdp: 'v=0 offer' }
  }
  async setLocalDescription(description: { sdp: string }) {
    this.localDescription = description
  }
  async setRemoteDescription() {
    return undefined
  }
  become(state: string) {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
  /** Each call is one second later. */
  async getStats() {
    this.#frames += this.frames_per_second
    this.#packets += this.packets_per_second
    this.#bytes += 125_000
    return new Map<string, Record<string, unknown>>([
      [
        'v',
        { type: 'inbound-rtp', kind: 'video', framesDecoded: this.#frames, packetsReceived: this.#packets },
      ],
      ['o', { type: 'outbound-rtp', kind: 'video', bytesSent: this.#bytes, framesPerSecond: 30 }],
      ['p', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02 }],
    ])
  }
  close() {
    this.closed = true
    this.connectionState = 'closed'
  }
}
