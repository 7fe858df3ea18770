import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../src/lib/room/moderation'

describe('listed words', () => {
  it('are one a line, each once, and the stricter verdict counts', () => {
    expect(wordsOf('vx\n\n 加微信 ', 'vx')).toEqual([
      { text: 'vx', verdict: 'refuse' },
      { text: '加微信', verdict: 'hold' },
    ])
  })
})
