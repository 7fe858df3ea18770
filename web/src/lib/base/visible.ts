/** What of a page is to be seen above an on-screen keyboard, where the browser does not lay the page out anew (Safari). */

export interface Viewport {
  /** Of the visual viewport, CSS px. */
  height: number
  offsetTop: number
  scale: number
}
export interface Visible {
  /** CSS px, as is `top`, its distance from the top of the page's window, and `below`, what is covered under it. */
  height: number
  top: number
  below: number
}

/** Less than this is a bar of the browser and no keyboard, CSS px. */
const KEYBOARD_MIN_PX = 120
/** Above this the reader has zoomed in, and sees a part of the page by choice. */
const SCALE_MAX = 1.05

/** The part above the keyboard, or null without one. `window_px`: the height that the page is laid out for. */
export function aboveKeyboard({ height, offsetTop, scale }: Viewport, window_px: number): Visible | null {
  if (scale > SCALE_MAX || window_px - height < KEYBOARD_MIN_PX) return null
  const top = Math.max(0, offsetTop)
  return { height, top, below: Math.max(0, window_px - height - top) }
}
