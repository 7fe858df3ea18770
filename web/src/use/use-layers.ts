/** The layers of a live to choose from (lib/media/layers); the choice is remembered on this device. */
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { type Choice, LayerSelector, type Quality, qualityOf } from '../lib/media/layers'
import { realTimers } from './timers'
import { storage } from './storage'

const STORAGE_KEY = 'linli.quality'

export function useLayers() {
  const quality = ref<Quality>(qualityOf(storage.getItem(STORAGE_KEY)))
  const choices = shallowRef<Choice[]>([])
  const selector = new LayerSelector(quality.value, {
    fetch: (url, init) => fetch(url, init),
    timers: realTimers,
    random: Math.random,
    onChoices: (next) => (choices.value = next),
  })
  watch(quality, (next) => {
    storage.setItem(STORAGE_KEY, next)
    selector.choose(next)
  })

  const report = () => selector.hidden(document.hidden)
  report()
  document.addEventListener('visibilitychange', report)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', report)
    selector.end()
  })

  return {
    quality,
    choices,
    begin: (url: string) => selector.begin(url),
    end: () => selector.end(),
    shown: (height: number) => selector.shown(height),
    hostReturned: () => selector.hostReturned(),
    refresh: () => void selector.refresh(),
  }
}
