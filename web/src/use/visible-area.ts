/** Gives styles the part of the window above an on-screen keyboard: `--visible-height`, `--visible-top`, `--keyboard`. */
import { aboveKeyboard } from '../lib/base/visible'

export function followVisibleArea(): void {
  const viewport = window.visualViewport
  if (!viewport) return
  const { style } = document.documentElement
  const follow = () => {
    const visible = aboveKeyboard(viewport, document.documentElement.clientHeight)
    const set = (name: string, px: number | undefined) =>
      px === undefined ? style.removeProperty(name) : style.setProperty(name, `${px}px`)
    set('--visible-height', visible?.height)
    set('--visible-top', visible?.top)
    set('--keyboard', visible?.below)
  }
  viewport.addEventListener('resize', follow)
  viewport.addEventListener('scroll', follow)
}
