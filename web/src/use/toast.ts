/** A sentence that comes and goes by itself, on screen and for screen readers: Vant's toast alone is silent. */
import { showToast } from 'vant'

let region: HTMLElement | null = null

/** Show `text` for `duration` ms and read it out. */
export function notify(text: string, duration = 2000): void {
  region ??= statusRegion()
  region.textContent = text
  showToast({ message: text, duration })
}

function statusRegion(): HTMLElement {
  const element = document.createElement('div')
  element.className = 'visually-hidden'
  element.setAttribute('role', 'status')
  document.body.append(element)
  return element
}
