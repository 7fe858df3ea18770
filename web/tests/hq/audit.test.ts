import { describe, expect, it } from 'vitest'
import { actionText, auditQuery, changesOf } from '../../src/lib/hq/audit'

const NOTHING = { actor: '', action: '', subject: '', from: '', until: '' }
const startOf = (day: string) => Date.parse(`${day}T00:00:00+08:00`)

describe('the audit trail', () => {
  it('asks only for what is filtered, and for the whole last day', () => {
    expect(auditQuery(NOTHING, startOf)).toBe('')
    const filter = { ...NOTHING, actor: ' u1 ', from: '2026-07-01', until: '2026-07-01' }
    const params = new URLSearchParams(auditQuery(filter, startOf, 40))
    expect(params.get('actor')).toBe('u1')
    expect(params.get('before')).toBe('40')
    expect(Number(params.get('until_ms')) - Number(params.get('from_ms'))).toBe(86_400_000)
  })

  it('shows what an entry changed, and nothing that stayed', () => {
    const entry = { before: { name_zh: '甲', rings: 1 }, after: { name_zh: '乙', rings: 1, stores: ['s1'] } }
    expect(changesOf(entry)).toEqual([
      { name: 'name_zh', before: '甲', after: '乙' },
      { name: 'stores', before: '', after: '["s1"]' },
    ])
    expect(changesOf({ before: null, after: null })).toEqual([])
  })

  it('has words for actions, and shows those without words as they are', () => {
    expect(actionText('store.edit')).toEqual({ zh: '门店 · 修改', en: 'Store edited' })
    expect(actionText('new.thing')).toEqual({ zh: 'new.thing', en: 'new.thing' })
  })
})
