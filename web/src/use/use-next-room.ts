/** The offer to go on to another room: counts down, and enters it without a reload. */
import { computed, inject, onScopeDispose, ref, watch } from 'vue'
import { COUNTDOWN_S, NextRoomOffers } from '../lib/room/next-room'
import type { NextRoom } from '../lib/base/wire'
import { ENTER_ROOM } from './enter-room'

const offers = new NextRoomOffers()

interface Source {
  next: () => NextRoom | null
  atMs: () => number
  /** The viewer is in the middle of something: nothing is taken away by itself. */
  busy: () => boolean
}

export function useNextRoom(roomId: string, { next, atMs, busy }: Source) {
  const enter = inject(ENTER_ROOM, (id) => window.location.assign(`/r/${encodeURIComponent(id)}`))
  const ended = ref(false)
  const offer = computed(() => (ended.value ? null : offers.offered(roomId, next(), atMs())))
  const left_s = ref(COUNTDOWN_S)
  let timer = 0

  function finish(): NextRoom | null {
    const now = offer.value
    if (now) offers.done(roomId, now)
    ended.value = true
    clearInterval(timer)
    return now
  }
  function go(): void {
    const now = finish()
    if (now) enter(now.room_id)
  }
  watch(
    () => offer.value?.until_ms,
    (until) => {
      clearInterval(timer)
      left_s.value = COUNTDOWN_S
      if (until === undefined) return
      timer = window.setInterval(() => {
        if (busy() || document.hidden) return
        left_s.value -= 1
        if (left_s.value <= 0) go()
      }, 1000)
    },
    { immediate: true },
  )
  // Another offer is another question.
  watch(
    () => next()?.until_ms,
    () => (ended.value = false),
  )
  onScopeDispose(() => clearInterval(timer))
  return { offer, left_s, go, stay: () => void finish() }
}
