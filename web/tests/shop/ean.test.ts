import { describe, expect, it } from 'vitest'
import { isEan, readEan } from '../../src/lib/shop/ean'

const LEFT = [
  '0001101',
  '0011001',
  '0010011',
  '0111101',
  '0100011',
  '0110001',
  '0101111',
  '0111011',
  '0110111',
  '0001011',
]
const PARITY = [
  'LLLLLL',
  'LLGLGG',
  'LLGGLG',
  'LLGGGL',
  'LGLLGG',
  'LGGLLG',
  'LGGGLL',
  'LGLGLG',
  'LGLGGL',
  'LGGLGL',
]
const right = (digit: number) => [...LEFT[digit]!].map((bit) => (bit === '1' ? '0' : '1')).join('')
const even = (digit: number) => [...right(digit)].reverse().join('')

/** A row of a printed code, of `module` pixels per module. */
function row(code: string, module: number): number[] {
  const digits = [...code].map(Number)
  const left = digits
    .slice(1, 7)
    .map((digit, n) => (PARITY[digits[0]!]![n] === 'L' ? LEFT[digit]! : even(digit)))
  const bits = `101${left.join('')}01010${digits.slice(7).map(right).join('')}101`
  const quiet = '0'.repeat(9)
  const modules = [...`${quiet}${bits}${quiet}`]
  const pixels = Math.round(modules.length * module)
  return Array.from({ length: pixels }, (_, x) => (modules[Math.floor(x / module)] === '1' ? 30 : 220))
}
const CODES = ['6901234567892', '4006381333931', '0012345678905', '9780201379624']

describe('a bar code', () => {
  it('is read at any size, in both directions, and only with its check digit', () => {
    for (const code of CODES)
      for (const module of [2, 2.4, 3.3]) {
        expect(isEan(code), code).toBe(true)
        expect(readEan(row(code, module))).toBe(code)
        expect(readEan(row(code, module).reverse())).toBe(code)
      }
    expect(readEan(row('6901234567890', 3))).toBeNull()
    expect(readEan([])).toBeNull()
    expect(readEan(Array.from({ length: 640 }, (_, x) => (x * 7919) % 256))).toBeNull()
  })
})
