/** The picture of a product, or a drawn basket where the shop has none. */
import { computed, ref, watch } from 'vue'

const BASKET =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#8ba391" stroke-width="1.4" ' +
  'stroke-linecap="round" stroke-linejoin="round"><rect width="24" height="24" fill="#eef6ef" stroke="none"/>' +
  '<path d="M6.500 10.500h11l-1.200 7h-8.600l-1.200-7zm2.700 0 1.600-4m4 4-1.600-4"/></svg>'
export const NO_PICTURE = `data:image/svg+xml,${encodeURIComponent(BASKET)}`

/** `src` as long as it can be loaded; `onError` is what the image calls when it cannot. */
export function usePicture(src: () => string) {
  const missing = ref(false)
  watch(src, () => (missing.value = false), { flush: 'sync' })
  return {
    shown: computed(() => (missing.value || src() === '' ? NO_PICTURE : src())),
    onError: () => (missing.value = true),
  }
}
