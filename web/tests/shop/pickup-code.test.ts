import { describe, expect, it } from 'vitest'
import { groupedCode, normaliseCode } from '../../src/lib/shop/pickup-code'

describe('a pickup code', () => {
  it.each(['7kq2m9xd4f', '7KQ2-M9XD-4F', ' 7kq2 m9xd 4f ', '7KQ2M9XD4F'])(
    'is the same however typed: %s',
    (typed) => {
      expect(groupedCode(typed)).toBe('7KQ2-M9XD-4F')
    },
  )
  it('reads letters that look like digits as digits', () => {
    expect(normaliseCode('oOiIlL')).toBe('001111')
  })
})
