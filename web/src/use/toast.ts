/** A sentence that comes and goes by itself, on screen and for screen readers: Vant's toast alone is silent. */
import { showToast } from 'vant'

let region: HTMLElement | null = null

/** Show `text` for a moment and read it out. */
export function notify(text: string): void {
  region ??= statusRegion()
  region.textContent = text
  showToast(text)
}

function statusRegion(): HTMLElement {
  const element = document.createElement('div')
  element.className = 'visually-hidden'
  element.setAttribute('role', 'status')
  document.body.append(element)
  return element
}
