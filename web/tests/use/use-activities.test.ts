import { describe, expect, it } from 'vitest'
import { computed, effectScope } from 'vue'
import type { Api } from '../../src/lib/base/api'
import { useActivities } from '../../src/use/use-activities'
import type { IdentityModel } from '../../src/use/use-identity'
import type { RoomModel } from '../../src/use/use-room'

describe('useActivities', () => {
  it('keeps a vote that was sent while the one of before was read', async () => {
    let answer: (found: unknown) => void = () => undefined
    const api = {
      get: () => new Promise((resolve) => (answer = resolve)),
      send: async () => ({ option: 1 }),
    } as unknown as Api
    const identity = { known: () => true, require: (go: () => void) => go() } as unknown as IdentityModel
    const room = { state: computed(() => ({ poll: { id: 'p1' } })) } as unknown as RoomModel
    const { mine, vote } = effectScope().run(() => useActivities('demo', api, identity, room))!
    vote('p1', 1)
    await Promise.resolve()
    answer({ poll: 'p1', option: null, questions: [] })
    await new Promise((resolve) => setTimeout(resolve))
    expect([mine.poll, mine.option, mine.busy]).toEqual(['p1', 1, false])
  })
})
