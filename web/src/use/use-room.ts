/** A room's channel, reduced to state. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { isDue } from '../lib/media/program-time'
import { EventSchedule } from '../lib/room/event-schedule'
import { EMPTY_ROOM, reduce } from '../lib/room/room-state'
import type {
  ChannelEvent,
  Order,
  PrivateEvent,
  Purchase,
  RoomState,
  ServerMessage,
  Tick,
  YourStanding,
} from '../lib/base/wire'
import { realTimers } from './timers'
import { useChannel } from './use-channel'

/** Interval of the page's clock, ms. */
const CLOCK_EVERY_MS = 500
/** Likes are sent in batches at this interval, ms. */
const LIKES_EVERY_MS = 600
/** Likes in one batch; the server takes no more. */
const LIKES_MAX = 100
/** How long a newcomer's name stays, ms. */
const ARRIVAL_MS = 3000

interface RoomListener {
  onOrder?: (order: Order) => void
  /** A chat line of ours was not accepted. */
  onChatRefused?: (text: string, code: string) => void
  /** See EventSchedule; without it events are shown as they come. */
  nextFrame?: (onFrame: (media_time: number | null) => void) => void
  expectsFrames?: () => boolean
}

export function useRoom(roomId: string, token: string | null, listener: RoomListener) {
  const state = shallowRef<RoomState>(EMPTY_ROOM)
  const standing = shallowRef<YourStanding | null>(null)
  const ready = ref(false)
  const at_ms = ref(Date.now())
  const ownLikes = ref(0)
  const othersLikes = ref(0)
  const arrival = ref('')
  const purchase = shallowRef<Purchase>()
  /** Chat lines without an answer, by their id. */
  const pendingChat = new Map<string, string>()
  let arrivalTimer = 0
  let unsentLikes = 0

  /** What happened in the live is shown with its frame, what people say and do at once. */
  const schedule = new EventSchedule<Tick>({
    timers: realTimers,
    release: (tick) => (state.value = reduce(state.value, tick)),
    nextFrame: listener.nextFrame ?? ((onFrame) => onFrame(null)),
    expectsFrames: listener.expectsFrames ?? (() => false),
    isDue,
  })

  function receive(message: ServerMessage): void {
    if (message.t === 'snapshot') {
      schedule.clear()
      state.value = reduce(state.value, message)
      ready.value = true
    } else if (message.t === 'tick') {
      const before = state.value.counters.likes
      const { events = [], ...rest } = message
      for (const event of events)
        schedule.push(
          { t: 'tick', epoch: message.epoch, offset: event.o, events: [event] },
          mediaTimeOf(event),
        )
      state.value = reduce(state.value, rest)
      purchase.value = message.purchase ?? purchase.value
      noteActivity(message.joins, state.value.counters.likes - before)
    } else if (message.t === 'you') receivePrivate(message.event)
    else if (message.t === 'ack') pendingChat.delete(message.cid)
    else if (message.t === 'error' && message.cid) refuseChat(message.cid, message.code)
  }

  function receivePrivate(event: PrivateEvent): void {
    if (event.k === 'order') listener.onOrder?.(event.order)
    else if (event.k === 'standing') standing.value = event
  }

  function refuseChat(cid: string, code: string): void {
    const text = pendingChat.get(cid)
    pendingChat.delete(cid)
    if (text) listener.onChatRefused?.(text, code)
  }

  function noteActivity(joins: string[] | undefined, likes: number): void {
    if (joins?.length) showArrival(joins.at(-1) ?? '')
    const others = Math.max(0, likes - ownLikes.value)
    if (likes > 0) ownLikes.value = Math.max(0, ownLikes.value - likes)
    othersLikes.value += others
  }

  function showArrival(name: string): void {
    arrival.value = name
    clearTimeout(arrivalTimer)
    arrivalTimer = window.setTimeout(() => (arrival.value = ''), ARRIVAL_MS)
  }

  const channel = useChannel(`room:${roomId}`, token, receive)
  const clock = setInterval(() => (at_ms.value = channel.serverTime()), CLOCK_EVERY_MS)
  const applause = setInterval(() => {
    if (unsentLikes === 0) return
    const n = Math.min(LIKES_MAX, unsentLikes)
    unsentLikes -= n
    channel.like(n)
  }, LIKES_EVERY_MS)
  onScopeDispose(() => {
    clearInterval(clock)
    clearInterval(applause)
    clearTimeout(arrivalTimer)
    schedule.clear()
  })

  return {
    state,
    /** What holds against this user in the room. */
    standing,
    /** The first snapshot is here. */
    ready,
    /** The server's clock, refreshed often enough for a countdown. */
    at_ms,
    channel,
    /** The nickname of the latest newcomer, `''` after a moment. */
    arrival,
    /** What the room was last shown that somebody bought. */
    purchase,
    /** Likes of others since the page was opened. */
    othersLikes,
    likes: computed(() => state.value.counters.likes + ownLikes.value),
    /** Send a chat line; false when it cannot be sent now. */
    chat(text: string): boolean {
      const cid = channel.chat(text)
      if (cid !== null) pendingChat.set(cid, text)
      return cid !== null
    },
    like() {
      if (channel.phase.value !== 'live') return
      unsentLikes += 1
      ownLikes.value += 1
    },
  }
}
export type RoomModel = ReturnType<typeof useRoom>

/** The frame to show it with; null: at once. A live that begins or pauses has no frame to wait for. */
function mediaTimeOf(event: ChannelEvent): number | null {
  return event.k !== 'live' && 'media_time' in event ? event.media_time : null
}
