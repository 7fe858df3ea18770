/** Keeps the screen on: a phone that falls asleep takes the live with it. */
import { onScopeDispose, watch } from 'vue'

/**
 * Hold a wake lock for as long as `wanted()`. The system takes it away while the page is hidden and may refuse it (low
 * battery); it is asked for again whenever the page is seen, and its absence changes nothing else.
 */
export function keepAwake(wanted: () => boolean): void {
  let lock: WakeLockSentinel | null = null
  let asking = false
  const needed = () => wanted() && !document.hidden
  const settle = async () => {
    if (asking) return
    asking = true
    try {
      if (needed() && !lock) {
        lock = (await navigator.wakeLock?.request('screen')) ?? null
        lock?.addEventListener('release', () => (lock = null))
      }
      // Asked anew: it may have ended while the system took its time.
      if (!wanted()) await lock?.release()
    } catch {
      // Refused: the live goes on as long as the screen does.
    }
    asking = false
  }
  watch(wanted, settle)
  document.addEventListener('visibilitychange', settle)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', settle)
    void lock?.release()
  })
}
