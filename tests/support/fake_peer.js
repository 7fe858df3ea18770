// A peer connection without a network: shows a drawn kitchen clock, counts frames, breaks when a test asks.
;(() => {
  window.__peers = []
  function scene() {
    const canvas = document.createElement('canvas')
    const size = window.__portrait ? [720, 1280] : [1280, 720]
    ;[canvas.width, canvas.height] = size
    const brush = canvas.getContext('2d')
    const draw = () => {
      const [w, h] = size
      const light = brush.createLinearGradient(0, 0, 0, h)
      light.addColorStop(0, '#ffe0b5')
      light.addColorStop(0.62, '#f3b27a')
      light.addColorStop(0.63, '#8a5a35')
      light.addColorStop(1, '#6d4527')
      brush.fillStyle = light
      brush.fillRect(0, 0, w, h)
      brush.fillStyle = '#fff3e0'
      brush.beginPath()
      brush.arc(w / 2, h * 0.4, h * 0.13, 0, 7)
      brush.fill()
      brush.fillStyle = '#2f8f46'
      brush.beginPath()
      brush.ellipse(w / 2, h * 0.68, h * 0.24, h * 0.16, 0, 0, 7)
      brush.fill()
      brush.fillStyle = '#fff'
      brush.font = 'bold 46px sans-serif'
      brush.fillText(new Date().toISOString().slice(11, 23), 40, h - 40)
    }
    draw()
    setInterval(draw, 100)
    return canvas.captureStream(10).getTracks()[0]
  }
  window.RTCPeerConnection = class {
    constructor() {
      this.connectionState = 'new'
      this.offers = 0
      this.restarts = 0
      this.frames = 0
      this.bytes = 0
      this.senders = []
      this.receiving = false
      window.__peers.push(this)
    }
    addTransceiver(what, init = {}) {
      if (what === 'video') this.receiving = true
      const sender = {
        track: typeof what === 'string' ? null : what,
        encodings: init.sendEncodings ?? [],
        getParameters: () => ({ encodings: sender.encodings }),
        setParameters: async (next) => void (sender.encodings = next.encodings),
        replaceTrack: async (track) => void (sender.track = track),
      }
      if (sender.track) this.senders.push(sender)
      return { sender, setCodecPreferences() {} }
    }
    getSenders() {
      return this.senders
    }
    restartIce() {
      this.restarts += 1
    }
    async createOffer() {
      this.offers += 1
      const credentials = `a=ice-ufrag:offer${this.offers}\r\na=ice-pwd:${'x'.repeat(22)}`
      const sdp = `v=0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n${credentials}\r\na=mid:0\r\n`
      return { type: 'offer', sdp }
    }
    async setLocalDescription(description) {
      this.localDescription = description
    }
    async setRemoteDescription(description) {
      const restarted = this.remoteDescription !== undefined
      this.remoteDescription = description
      setTimeout(() => {
        if (restarted) return this.become('connected')
        if (window.__blocked) return this.become('failed')
        if (this.receiving) this.ontrack?.({ track: scene() })
        this.become('connected')
      }, 20)
    }
    become(state) {
      this.connectionState = state
      this.onconnectionstatechange?.()
    }
    async getStats() {
      if (!this.frozen) this.frames += 25
      this.bytes += 375000
      const uplink = window.__uplink ?? {}
      const size = { type: 'outbound-rtp', kind: 'video', active: true, packetsSent: this.bytes / 1000 }
      return new Map(
        Object.entries({
          v: { type: 'inbound-rtp', kind: 'video', framesDecoded: this.frames, packetsReceived: this.frames * 8 },
          m: { ...size, id: 'm', bytesSent: this.bytes / 4, framesPerSecond: 15, frameWidth: 640, frameHeight: 360 },
          h: {
            ...size,
            id: 'h',
            bytesSent: this.bytes,
            framesPerSecond: 30,
            frameWidth: 1280,
            frameHeight: 720,
            qualityLimitationReason: uplink.reason ?? 'none',
          },
          r: { type: 'remote-inbound-rtp', localId: 'h', fractionLost: uplink.lost ?? 0.002 },
          p: { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.018 },
        }),
      )
    }
    close() {
      this.connectionState = 'closed'
    }
  }
})()
