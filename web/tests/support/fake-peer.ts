/** A peer connection without a network, as far as lib/ uses one. */
export class FakePeer {
  connectionState = 'new'
  iceConnectionState = 'new'
  closed = false
  offered: string[] = []
  preferred: { mimeType: string }[] = []
  encodings: RTCRtpEncodingParameters[] = []
  restarts = 0
  #ufrag = 0
  frames_per_second = 0
  packets_per_second = 0
  /** All packets on the transport, RTCP included; null: this browser does not count them. */
  received_per_second: number | null = null
  localDescription: { sdp: string } | null = null
  remoteDescription: { sdp: string } | null = null
  ontrack: ((event: unknown) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  #frames = 0
  #packets = 0
  #received = 0
  #bytes = 0
  #at = 0

  /** `now` in monotonic ms; without it, each call of getStats is one second after the previous one. */
  constructor(private readonly now: () => number = () => this.#at + 1_000) {}

  addTransceiver(
    what: string | { kind: string },
    init: { direction: string; sendEncodings?: RTCRtpEncodingParameters[] },
  ) {
    this.offered.push(`${typeof what === 'string' ? what : what.kind}:${init.direction}`)
    this.encodings.push(...(init.sendEncodings ?? []))
    const sender = {
      transport: this.transport,
      track: typeof what === 'string' ? null : what,
      replaceTrack: async (track: { kind: string }) => void (sender.track = track),
      getParameters: () => ({ encodings: this.encodings }),
      setParameters: async (next: { encodings: RTCRtpEncodingParameters[] }) =>
        void (this.encodings = next.encodings),
    }
    this.senders.push(sender)
    return { sender, setCodecPreferences: (codecs: { mimeType: string }[]) => (this.preferred = codecs) }
  }
  readonly transport = { state: 'connected', onstatechange: null as (() => void) | null }
  readonly senders: { transport: unknown; track: { kind: string } | null }[] = []
  getSenders() {
    return this.senders
  }
  nacks = 0
  round_trip_s = 0.02
  readonly receivers = [{ transport: this.transport, jitterBufferTarget: null as number | null }]
  getReceivers() {
    return this.receivers
  }
  /** The server sends close_notify, as to a host that another one replaces. */
  closeTransport() {
    this.transport.state = 'closed'
    this.transport.onstatechange?.()
  }
  restartIce() {
    this.restarts += 1
  }
  async createOffer(_options?: unknown) {
    return { type: 'offer', sdp: sessionOf(`offer${(this.#ufrag += 1)}`) }
  }
  async setLocalDescription(description: { sdp: string }) {
    this.localDescription = description
  }
  /** As browsers do: an answer without simulcast leaves the first encoding. */
  async setRemoteDescription(description: { sdp: string }) {
    this.remoteDescription = description
    if (!/a=simulcast:/.test(description.sdp)) this.encodings = this.encodings.slice(0, 1)
  }
  /** ICE is connected; the DTLS handshake is still to come. */
  connectIce() {
    this.iceConnectionState = 'connected'
    this.oniceconnectionstatechange?.()
  }
  become(state: string) {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
  async getStats() {
    const now = this.now()
    const seconds = (now - this.#at) / 1_000
    this.#at = now
    this.#frames += this.frames_per_second * seconds
    this.#packets += this.packets_per_second * seconds
    this.#bytes += 125_000 * seconds
    this.#received += (this.received_per_second ?? 0) * seconds
    const packetsReceived = this.received_per_second === null ? undefined : this.#received
    return new Map<string, Record<string, unknown>>([
      [
        'v',
        {
          type: 'inbound-rtp',
          kind: 'video',
          framesDecoded: this.#frames,
          packetsReceived: this.#packets,
          nackCount: this.nacks,
        },
      ],
      ['t', { type: 'transport', packetsReceived }],
      ['o', { id: 'o', type: 'outbound-rtp', kind: 'video', bytesSent: this.#bytes, framesPerSecond: 30 }],
      [
        'p',
        {
          type: 'candidate-pair',
          nominated: true,
          currentRoundTripTime: 0.02,
          totalRoundTripTime: this.round_trip_s * 2,
          responsesReceived: 2,
        },
      ],
    ])
  }
  close() {
    this.closed = true
    this.connectionState = 'closed'
  }
}

/** A description with one bundled video section. */
export function sessionOf(ufrag: string, more: string[] = []): string {
  return [
    'v=0',
    'a=group:BUNDLE 0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=mid:0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${ufrag}-password`,
    ...more,
    '',
  ].join('\r\n')
}

/** What a server answers to an ICE restart. */
export function restartAnswer(): Response {
  const lines = ['a=ice-lite', 'a=ice-ufrag:again', 'a=ice-pwd:again-password', 'm=video 9 X 96', 'a=mid:0']
  return new Response([...lines, 'a=candidate:1 1 udp 1 127.0.0.1 9 typ host', ''].join('\r\n'), {
    status: 200,
  })
}
