/** A value that follows another in tasks of its own: what it draws shares no frame with the rest. */
import { type ShallowRef, onScopeDispose, shallowRef, watch } from 'vue'

/** It waits at most so long for a browser that is busy, ms. */
const BUSY_MS_MAX = 300

/** Follow `source`, the first value at once, later ones at most every so often. */
export function useCalm<T>(source: () => T, every_ms: number): Readonly<ShallowRef<T>> {
  const shown = shallowRef(source()) as ShallowRef<T>
  let followed_at = performance.now()
  let timer = 0
  let idle = 0

  function follow(): void {
    timer = idle = 0
    followed_at = performance.now()
    shown.value = source()
  }
  function followSoon(): void {
    timer = 0
    // Safari has no such callback.
    if ('requestIdleCallback' in window) idle = requestIdleCallback(follow, { timeout: BUSY_MS_MAX })
    else follow()
  }
  watch(source, () => {
    if (shown.value === null) follow()
    else if (!timer && !idle)
      timer = window.setTimeout(followSoon, Math.max(0, followed_at + every_ms - performance.now()))
  })
  onScopeDispose(() => {
    clearTimeout(timer)
    if (idle) cancelIdleCallback(idle)
  })
  return shown
}
