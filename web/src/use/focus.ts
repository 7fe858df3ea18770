/** Keeps the Tab key within a dialog. */

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
