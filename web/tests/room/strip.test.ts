import { describe, expect, it } from 'vitest'
import { openFeature, type Shown } from '../../src/lib/room/strip'

const flash: Shown = { feature: 'flash', quiet: false }
const poll: Shown = { feature: 'poll', quiet: false }
const drawn: Shown = { feature: 'bag', quiet: true }

describe('the strip of features', () => {
  it('opens the first feature of a room by itself', () => {
    expect(openFeature(null, [], [flash])).toBe('flash')
  })
  it('keeps several as chips, so that the product stays in sight', () => {
    expect(openFeature(null, [], [flash, poll])).toBeNull()
  })
  it('leaves the open card open when another feature begins', () => {
    expect(openFeature('poll', [poll], [flash, poll])).toBe('poll')
  })
  it('does not open what the viewer has closed', () => {
    expect(openFeature(null, [poll], [poll])).toBeNull()
  })
  it('opens nothing in place of a card that is gone', () => {
    expect(openFeature('flash', [flash, poll], [poll])).toBeNull()
  })
  it('does not open what is over', () => {
    expect(openFeature(null, [], [drawn])).toBeNull()
    expect(openFeature('bag', [drawn], [drawn])).toBe('bag')
  })
})
