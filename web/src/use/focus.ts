/** Keeps the Tab key within a dialog, and the focus on the page when what had it goes away. */

const FOCUSABLE =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), [tabindex="0"]'

/** Handle a Tab inside `box`: from its last control to its first, and back. */
export function keepFocusIn(box: HTMLElement | undefined, event: KeyboardEvent): void {
  const controls = [...(box?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])]
  const [first, last] = [controls.at(0), controls.at(-1)]
  const leaving = event.shiftKey ? first : last
  if (!first || !last || document.activeElement !== leaving) return
  event.preventDefault()
  ;(event.shiftKey ? last : first).focus()
}

/** Where the focus was: each box around it, innermost first, and its rank among that box's controls. */
type Place = { box: Element; rank: number }[]

/**
 * From now on, when the element with the focus is removed (an order moves to the next lane), the focus goes to the control
 * that took its place, in the innermost box that is still there; where the whole page is another one (somebody logged in), to its first control. Never to a text
 * field: a phone would open its keyboard.
 */
export function keepFocusOnPage(): void {
  let focused: Element | null = null
  let place: Place = []
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof Element)) return
    focused = target
    place = []
    for (let box = target.parentElement; box && box !== document.body; box = box.parentElement)
      place.push({
        box,
        rank: box.id === 'app' ? 0 : [...box.querySelectorAll(FOCUSABLE)].indexOf(target),
      })
  })
  new MutationObserver(() => {
    if (!focused || focused.isConnected || document.activeElement !== document.body) return
    focused = null
    for (const { box, rank } of place.filter(({ box }) => box.isConnected)) {
      const controls = [...box.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
        (control) => control.checkVisibility() && !(control instanceof HTMLInputElement),
      )
      const next = controls[Math.min(Math.max(rank, 0), controls.length - 1)]
      if (next) return next.focus({ preventScroll: true })
    }
  }).observe(document.body, { childList: true, subtree: true })
}
