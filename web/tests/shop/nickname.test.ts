import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgeNickname } from '../../src/lib/shop/nickname'

const VECTORS = join(import.meta.dirname, '..', '..', '..', 'tests', 'vectors', 'nicknames.json')
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
  cases: ({ name: string; typed: string } & Record<string, string>)[]
}

describe('a nickname', () => {
  it.each(cases)('is judged as the server judges it: $name', ({ name: _, typed, ...judged }) => {
    expect(judgeNickname(typed)).toEqual(judged)
  })
})
