import { describe, expect, it } from 'vitest'
import { SheetHistory } from '../../src/lib/base/sheet-history'

/** A history whose `back` arrives when a test says so. */
function browser() {
  const seen: string[] = []
  const later: (() => void)[] = []
  const sheets = new SheetHistory({
    push: () => seen.push('push'),
    back: () => seen.push('back'),
    soon: (callback) => later.push(callback),
  })
  const settle = () => later.splice(0).forEach((callback) => callback())
  return { seen, sheets, settle }
}

describe('history of sheets', () => {
  it('closes the open sheet on the way back, and leaves no entry', () => {
    const { seen, sheets, settle } = browser()
    const close = () => (seen.push('close'), sheets.closed(close))
    sheets.opened(close)
    sheets.popped()
    settle()
    expect(seen).toEqual(['push', 'close'])
  })

  it('goes back by itself when a sheet is closed by its button', () => {
    const { seen, sheets, settle } = browser()
    const close = () => undefined
    sheets.opened(close)
    sheets.closed(close)
    settle()
    sheets.popped()
    expect(seen).toEqual(['push', 'back'])
  })

  it('keeps one entry while a sheet opens another', () => {
    const { seen, sheets, settle } = browser()
    const [bag, orders] = [() => undefined, () => void seen.push('close orders')]
    sheets.opened(bag)
    sheets.closed(bag)
    sheets.opened(orders)
    settle()
    sheets.popped()
    expect(seen).toEqual(['push', 'close orders'])
  })

  it('closes the upper of two sheets first', () => {
    const { seen, sheets } = browser()
    sheets.opened(() => seen.push('lower'))
    sheets.opened(() => seen.push('upper'))
    sheets.popped()
    sheets.popped()
    expect(seen).toEqual(['push', 'upper', 'push', 'lower'])
  })

  it('gives a sheet that opens while it goes back an entry afterwards', () => {
    const { seen, sheets, settle } = browser()
    const close = () => undefined
    sheets.opened(close)
    sheets.closed(close)
    settle()
    sheets.opened(() => seen.push('close'))
    sheets.popped()
    expect(seen).toEqual(['push', 'back', 'push'])
    sheets.popped()
    expect(seen.at(-1)).toBe('close')
  })
})
