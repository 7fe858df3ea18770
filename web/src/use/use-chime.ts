/** Short sounds without a file: a new order, an order whose time is over. Off until somebody turns them on. */
import { ref } from 'vue'
import { storage } from './storage'

const KEPT = 'linli.store.sound'
/** Tones as frequency in Hz and length in s, one after the other. */
const TUNES = {
  new: [
    [880, 0.12],
    [1318, 0.22],
  ],
  late: [
    [660, 0.18],
    [440, 0.18],
    [660, 0.18],
    [440, 0.3],
  ],
} as const
const VOLUME = 0.25

export function useChime() {
  const on = ref(storage.getItem(KEPT) === 'on')
  let context: AudioContext | null = null

  function play(tune: keyof typeof TUNES): void {
    if (!on.value) return
    try {
      context ??= new AudioContext()
      void context.resume()
      let at = context.currentTime + 0.02
      for (const [hz, length] of TUNES[tune]) {
        const tone = context.createOscillator()
        const volume = context.createGain()
        tone.frequency.value = hz
        volume.gain.setValueAtTime(VOLUME, at)
        volume.gain.exponentialRampToValueAtTime(0.001, at + length)
        tone.connect(volume).connect(context.destination)
        tone.start(at)
        tone.stop(at + length)
        at += length
      }
    } catch {
      // A browser without Web Audio stays silent.
    }
  }

  /** Browsers play nothing before a tap: this is one. */
  function toggle(): void {
    on.value = !on.value
    storage.setItem(KEPT, on.value ? 'on' : 'off')
    play('new')
  }

  return { on, play, toggle }
}
