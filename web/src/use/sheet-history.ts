/** Gives a sheet its place in the browser's history: lib/base/sheet-history on the real one. */
import { type Ref, onScopeDispose, watch } from 'vue'
import { SheetHistory } from '../lib/base/sheet-history'

const sheets = new SheetHistory({
  push: () => window.history.pushState({ sheet: true }, ''),
  back: () => window.history.back(),
  soon: (callback) => void setTimeout(callback),
})
window.addEventListener('popstate', () => sheets.popped())

/** From now on going back closes the sheet that `show` opens. */
export function closeOnBack(show: Ref<boolean>): void {
  const close = () => (show.value = false)
  watch(show, (shown) => (shown ? sheets.opened(close) : sheets.closed(close)), { immediate: show.value })
  onScopeDispose(() => {
    if (show.value) sheets.closed(close)
  })
}
