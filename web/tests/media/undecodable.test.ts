import { effectScope } from 'vue'
import { describe, expect, it } from 'vitest'
import { Unreachable } from '../../src/lib/base/api'
import type { Undecodable } from '../../src/lib/base/bodies'
import { useUndecodable } from '../../src/use/use-undecodable'
import { VirtualTime } from '../support/virtual-time'

describe('useUndecodable', () => {
  it('says why viewers see nothing, until they do or no host is here', async () => {
    const time = new VirtualTime()
    let answer: () => Promise<{ undecodable: Undecodable | null }> = async () => ({ undecodable: null })
    let asked = 0
    const api = { liveStats: () => ((asked += 1), answer()) }
    const scope = effectScope()
    const undecodable = scope.run(() => useUndecodable('demo', api, time))
    await time.pass(5_000)
    expect(undecodable?.value).toBeNull()
    answer = async () => ({ undecodable: 'no-parameter-sets' })
    await time.pass(5_000)
    expect(undecodable?.value).toBe('no-parameter-sets')
    answer = async () => Promise.reject(new Unreachable('/'))
    await time.pass(5_000)
    expect(undecodable?.value).toBeNull()
    scope.stop()
    const before = asked
    await time.pass(60_000)
    expect(asked).toBe(before)
  })
})
