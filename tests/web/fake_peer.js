// A peer connection without a network: shows a drawn kitchen clock, counts frames, breaks when told to.
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
      this.frames = 0
      this.bytes = 0
      this.senders = []
      this.receiving = false
      window.__peers.push(this)
    }
    addTransceiver(what) {
      if (what === 'video') this.receiving = true
      if (typeof what !== 'string') this.senders.push({ track: what, replaceTrack: async () => undefined })
      return { setCodecPreferences() {} }
    }
    getSenders() {
      return this.senders
    }
    async createOffer() {
      return { type: 'offer', sdp: 'v=0' }
    }
    async setLocalDescription(description) {
      this.localDescription = description
    }
    async setRemoteDescription() {
      setTimeout(() => {
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
      return new Map([
        ['v', { type: 'inbound-rtp', kind: 'video', framesDecoded: this.frames, packetsReceived: this.frames * 8 }],
        ['o', { type: 'outbound-rtp', kind: 'video', bytesSent: this.bytes, framesPerSecond: 30 }],
        ['p', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.018 }],
      ])
    }
    close() {
      this.connectionState = 'closed'
    }
  }
})()
