/** Whether the page is being printed, so that it is drawn for paper, and how to print it. */
import { nextTick, onScopeDispose, ref } from 'vue'

export function usePrinting() {
  const printing = ref(false)
  const begin = () => {
    printing.value = true
  }
  const end = () => {
    printing.value = false
  }
  window.addEventListener('beforeprint', begin)
  window.addEventListener('afterprint', end)
  onScopeDispose(() => {
    window.removeEventListener('beforeprint', begin)
    window.removeEventListener('afterprint', end)
  })
  /** Print once the page is drawn for it: the event before a call of `print` leaves no time for that. */
  async function print(): Promise<void> {
    begin()
    await nextTick()
    window.print()
    end()
  }
  return { printing, print }
}
