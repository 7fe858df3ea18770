/** Which section the address names, loaded with its words. */
import { computed, onMounted, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { type Entry, SECTIONS, type Section } from './sections'

/** The section and the rest of an address's hash: `#/estates/e1` → `estates`, `e1`. */
export function parseHash(hash: string): { id: string; rest: string } {
  const [id = '', ...rest] = hash.replace(/^#\/?/, '').split('/').map(decoded)
  return { id, rest: rest.join('/') }
}

export function useSection() {
  const { mergeLocaleMessage } = useI18n({ useScope: 'global' })
  const address = ref(parseHash(location.hash))
  const entry = computed<Entry | undefined>(
    () => SECTIONS.find((section) => section.id === address.value.id) ?? SECTIONS[0],
  )
  const section = shallowRef<Section | null>(null)
  const failed = ref(false)

  async function load(): Promise<void> {
    const wanted = entry.value
    section.value = null
    failed.value = false
    if (!wanted) return
    try {
      const loaded = (await wanted.load()).default
      if (wanted !== entry.value) return
      for (const [locale, words] of Object.entries(loaded.words)) mergeLocaleMessage(locale, words)
      section.value = loaded
    } catch {
      failed.value = wanted === entry.value
    }
  }
  const follow = () => (address.value = parseHash(location.hash))
  watch(entry, () => void load(), { immediate: true })
  onMounted(() => addEventListener('hashchange', follow))
  onScopeDispose(() => removeEventListener('hashchange', follow))
  return { entry, section, failed, load, rest: computed(() => address.value.rest) }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
