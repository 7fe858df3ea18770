import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { groupedCode, readCode } from '../../src/lib/shop/pickup-code'

const VECTORS = join(import.meta.dirname, '..', '..', '..', 'tests', 'vectors', 'pickup_codes.json')
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
  cases: { name: string; typed: string; code: string | null }[]
}

describe('a pickup code', () => {
  it.each(cases)('is read as the server reads it: $name', ({ typed, code }) => {
    expect(readCode(typed)).toBe(code)
  })
  it('is shown in groups of four', () => {
    expect(groupedCode('１kwh8z3ch')).toBe('1KWH-8Z3C-H')
  })
})
