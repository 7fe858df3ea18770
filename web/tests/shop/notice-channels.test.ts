import { describe, expect, test } from 'vitest'
import { CHANNELS, choose, onPageOnly, wants, type Wanted } from '../../src/lib/shop/notice-channels'

const all: Wanted = { muted: [], muted_by: {}, quiet_from_hour: 22, quiet_until_hour: 8 }

describe('messages by channel', () => {
  test('a channel is chosen by itself', () => {
    const quiet = choose(all, 'ready', 'push', false)
    expect(CHANNELS.map((channel) => wants(quiet, 'ready', channel))).toEqual([false, true, true])
    expect(wants(quiet, 'refund', 'push')).toBe(true)
    expect(choose(quiet, 'ready', 'push', true).muted_by).toEqual({ push: [], wechat: [], sms: [] })
  })

  test('a kind that came by no channel comes by the one that is chosen', () => {
    const some = choose({ ...all, muted: ['ready', 'live'] }, 'ready', 'sms', true)
    expect(CHANNELS.map((channel) => wants(some, 'ready', channel))).toEqual([false, false, true])
    expect(some.muted).toEqual(['live'])
  })

  test('what no channel brings is on the page alone', () => {
    const channels = { push: ['ready', 'live'], sms: ['ready'] }
    const without = choose(choose(all, 'live', 'push', false), 'ready', 'push', false)
    expect(onPageOnly(without, ['ready', 'live', 'out'], channels)).toEqual(['live', 'out'])
  })
})
