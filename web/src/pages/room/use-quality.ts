/** What the quality picker of a room offers: the live's layers, and the sound alone where the page can play that. */
import { computed } from 'vue'
import type { Picked, PickerChoice } from '../../parts/room/QualityPicker.vue'
import type { PlayerModel } from '../../use/use-player'

const AUTO: PickerChoice = { quality: 'auto', height: 0 }
const SOUND: PickerChoice = { quality: 'sound', height: 0 }

export function useQuality({ layers, road, soundOnly, listen }: PlayerModel) {
  return {
    choices: computed<PickerChoice[]>(() => {
      if (layers.choices.value.length > 0) return [...layers.choices.value, SOUND]
      return road.value === 'hls' || soundOnly.value ? [AUTO, SOUND] : []
    }),
    picked: computed<Picked>({
      get: () => (soundOnly.value ? 'sound' : layers.quality.value),
      set(next) {
        listen(next === 'sound')
        if (next !== 'sound') layers.quality.value = next
      },
    }),
  }
}
