/** A sentence that comes and goes by itself, on screen and read out. */

let box: HTMLElement | null = null
let hiding = 0

/** Show `text` for `duration` ms. */
export function notify(text: string, duration = 2000): void {
  box ??= statusBox()
  box.textContent = text
  clearTimeout(hiding)
  hiding = window.setTimeout(() => box?.replaceChildren(), duration)
}

function statusBox(): HTMLElement {
  const element = document.createElement('div')
  element.className = 'toast'
  element.setAttribute('role', 'status')
  document.body.append(element)
  return element
}
