import { beforeAll, afterAll, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import type { Api } from '../../src/lib/base/api'
import type { Group } from '../../src/lib/base/wire'
import type { IdentityModel } from '../../src/use/use-identity'
import { useInvite } from '../../src/use/use-invite'

const group = (id: string) => ({ id, award: { invites: 3, off_fen: 500 } }) as unknown as Group
const settled = () => new Promise((resolve) => setTimeout(resolve))

function opened() {
  let answer: (found: unknown) => void = () => undefined
  const here = ref<Group>(group('g1'))
  const api = {
    get: () => new Promise((resolve) => (answer = resolve)),
    send: async () => ({ code: 'abc', group: here.value, counted: [] }),
  } as unknown as Api
  const identity = { known: () => true } as unknown as IdentityModel
  const model = effectScope().run(() =>
    useInvite(
      api,
      identity,
      () => here.value,
      () => true,
    ),
  )!
  return { here, model, answer: (found: unknown) => answer(found) }
}

describe('useInvite', () => {
  beforeAll(() => vi.stubGlobal('location', { search: '' }))
  afterAll(() => vi.unstubAllGlobals())

  it('keeps an invite that was made while it was read whether there is one', async () => {
    const { model, answer } = opened()
    await model.open()
    answer(null)
    await settled()
    expect(model.mine.value?.code).toBe('abc')
  })

  it('shows that of another group no longer', async () => {
    const { here, model, answer } = opened()
    await model.open()
    here.value = group('g2')
    await nextTick()
    answer(null)
    await settled()
    expect(model.mine.value).toBeNull()
  })
})
