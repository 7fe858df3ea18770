import { expect, it } from 'vitest'
import { aboveKeyboard } from '../../src/lib/base/visible'

it('a keyboard leaves what is above it', () => {
  expect(aboveKeyboard({ height: 340, offsetTop: 0, scale: 1 }, 640)).toEqual({
    height: 340,
    top: 0,
    below: 300,
  })
})

it('a page that the browser has moved up is seen from further down', () => {
  expect(aboveKeyboard({ height: 340, offsetTop: 120, scale: 1 }, 640)).toEqual({
    height: 340,
    top: 120,
    below: 180,
  })
})

it.each([
  ['a bar of the browser', { height: 560, offsetTop: 0, scale: 1 }, 640],
  ['a zoom by two fingers', { height: 320, offsetTop: 50, scale: 2 }, 640],
  ['a keyboard for which the page is laid out anew', { height: 340, offsetTop: 0, scale: 1 }, 340],
])('%s is no keyboard', (_, viewport, window_px) => {
  expect(aboveKeyboard(viewport, window_px)).toBeNull()
})
