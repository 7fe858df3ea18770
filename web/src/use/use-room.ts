/** A room's channel, reduced to state. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { EMPTY_ROOM, reduce } from '../lib/room/room-state'
import type { Order, RoomState, ServerMessage } from '../lib/base/wire'
import { useChannel } from './use-channel'

/** Interval of the page's clock, ms. */
const CLOCK_EVERY_MS = 500
/** Likes are sent in batches at this interval, ms. */
const LIKES_EVERY_MS = 600
/** Likes in one batch; the server takes no more. */
const LIKES_MAX = 100

export interface RoomListener {
  onOrder?: (order: Order) => void
  onChatRefused?: (cid: string | undefined, code: string) => void
  /** Nicknames of viewers who have just joined. */
  onJoins?: (names: string[]) => void
  /** Likes of others since the last tick. */
  onLikes?: (n: number) => void
}

export function useRoom(roomId: string, token: string | null, listener: RoomListener) {
  const state = shallowRef<RoomState>(EMPTY_ROOM)
  const ready = ref(false)
  const at_ms = ref(Date.now())
  const ownLikes = ref(0)
  let unsentLikes = 0

  function receive(message: ServerMessage): void {
    if (message.t === 'snapshot' || message.t === 'tick') {
      const before = state.value.counters.likes
      state.value = reduce(state.value, message)
      if (message.t === 'snapshot') ready.value = true
      else noteActivity(message.joins, state.value.counters.likes - before)
    } else if (message.t === 'you' && message.event.k === 'order') listener.onOrder?.(message.event.order)
    else if (message.t === 'error') listener.onChatRefused?.(message.cid, message.code)
  }

  function noteActivity(joins: string[] | undefined, likes: number): void {
    if (joins?.length) listener.onJoins?.(joins)
    const others = Math.max(0, likes - ownLikes.value)
    if (likes > 0) ownLikes.value = Math.max(0, ownLikes.value - likes)
    if (others > 0) listener.onLikes?.(others)
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
  })

  return {
    state,
    /** The first snapshot is here. */
    ready,
    /** The server's clock, refreshed often enough for a countdown. */
    at_ms,
    channel,
    likes: computed(() => state.value.counters.likes + ownLikes.value),
    like() {
      if (channel.phase.value !== 'live') return
      unsentLikes += 1
      ownLikes.value += 1
    },
  }
}
export type RoomModel = ReturnType<typeof useRoom>
