/** The sizes of a live to choose from: what this device chose is remembered, what it shows is told (lib/layers). */
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { type Choice, LayerDesk, type Quality, qualityOf } from '../lib/media/layers'
import { realTimers } from './timers'

const STORAGE_KEY = 'linli.quality'

export function useLayers() {
  const quality = ref<Quality>(qualityOf(localStorage.getItem(STORAGE_KEY)))
  const choices = shallowRef<Choice[]>([])
  const desk = new LayerDesk(quality.value, {
    fetch: (url, init) => fetch(url, init),
    timers: realTimers,
    random: Math.random,
    onChoices: (next) => (choices.value = next),
  })
  watch(quality, (next) => {
    localStorage.setItem(STORAGE_KEY, next)
    desk.choose(next)
  })

  const look = () => desk.hidden(document.hidden)
  look()
  document.addEventListener('visibilitychange', look)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', look)
    desk.end()
  })

  return {
    quality,
    choices,
    begin: (url: string) => desk.begin(url),
    end: () => desk.end(),
    shown: (height: number) => desk.shown(height),
    hostReturned: () => desk.hostReturned(),
    refresh: () => void desk.refresh(),
  }
}
