/** A live channel: lib/room/channel-client on a real WebSocket, in the life of a component. */
import { onScopeDispose, ref } from 'vue'
import { Backoff } from '../lib/base/backoff'
import { ChannelClient, type Effect, type Phase } from '../lib/room/channel-client'
import { randomKey } from '../lib/base/keys'
import { type ServerMessage, SUBPROTOCOLS } from '../lib/base/wire'
import { decodeMessage, encodeMessage } from '../lib/base/codec'

/** A disconnection shorter than this is not worth a banner, ms. */
const BANNER_AFTER_MS = 1500

export function useChannel(
  channel: string,
  token: string | null,
  onMessage: (message: ServerMessage) => void,
) {
  const client = new ChannelClient(channel, new Backoff(Math.random), token)
  const phase = ref<Phase>('idle')
  /** Disconnected for long enough to show it. */
  const away = ref(false)
  let socket: WebSocket | null = null
  let timer = 0
  let awayTimer = 0

  function connect(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const opened = new WebSocket(`${scheme}://${location.host}/ws`, [...SUBPROTOCOLS])
    opened.binaryType = 'arraybuffer'
    const current = (action: () => void) => () => {
      if (socket !== opened) return
      action()
      settle()
    }
    opened.onopen = current(() => client.opened(performance.now()))
    opened.onmessage = (event: MessageEvent<string | ArrayBuffer>) =>
      current(() => {
        const message = decodeMessage(event.data)
        if (message) client.receive(message, performance.now())
      })()
    opened.onclose = (event) =>
      current(() => {
        socket = null
        client.closed(event.code, performance.now())
      })()
    socket = opened
  }

  function drop(): void {
    const dropped = socket
    socket = null
    dropped?.close(1000)
  }

  function perform(effect: Effect): void {
    if (effect.do === 'connect') connect()
    else if (effect.do === 'drop') drop()
    else if (effect.do === 'deliver') onMessage(effect.message)
    else if (effect.do === 'phase') phase.value = effect.phase
    else if (socket?.readyState === WebSocket.OPEN)
      socket.send(encodeMessage(effect.message, socket.protocol))
  }

  function settle(): void {
    for (let effects = client.drain(); effects.length > 0; effects = client.drain()) effects.forEach(perform)
    clearTimeout(timer)
    const due = client.nextTimer()
    if (due !== null) timer = window.setTimeout(fire, Math.max(0, due - performance.now()))
    trackAbsence()
  }

  function fire(): void {
    client.timeout(performance.now() + 1)
    settle()
  }

  function trackAbsence(): void {
    if (client.phase === 'live') {
      clearTimeout(awayTimer)
      awayTimer = 0
      away.value = false
    } else if (!awayTimer && client.phase !== 'idle')
      awayTimer = window.setTimeout(() => (away.value = true), BANNER_AFTER_MS)
  }

  function wake(): void {
    if (document.visibilityState === 'hidden') return
    client.wake(performance.now())
    settle()
  }

  window.addEventListener('online', wake)
  document.addEventListener('visibilitychange', wake)
  onScopeDispose(() => {
    window.removeEventListener('online', wake)
    document.removeEventListener('visibilitychange', wake)
    client.close()
    settle()
    clearTimeout(awayTimer)
  })

  return {
    phase,
    away,
    closeCode: () => client.closeCode,
    /** Server time, UTC ms; the local clock until the server has answered. */
    serverTime: () => client.serverTime(performance.now()) ?? Date.now(),
    open() {
      client.open(performance.now())
      settle()
    },
    authorise(next: string | null) {
      client.authorise(next, performance.now())
      settle()
    },
    /** The id of the chat line sent, or null when it cannot be sent now. */
    chat(text: string): string | null {
      const cid = randomKey()
      const sent = client.chat(cid, text)
      settle()
      return sent ? cid : null
    },
    like(n: number) {
      client.like(n)
      settle()
    },
  }
}
