import { beforeEach, describe, expect, it } from 'vitest'
import { type Outcome, ScanQueue } from '../../src/lib/leader/scan-queue'

let kept: Map<string, string>
const store = {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => void kept.set(key, value),
  removeItem: (key: string) => void kept.delete(key),
}
const queue = () => new ScanQueue('k', store, () => 'device-1')
const outcome = (seq: number, result: Outcome['result'] = 'handed_over'): Outcome => ({
  seq,
  result,
  order_ids: ['o1'],
  first: null,
})
beforeEach(() => (kept = new Map()))

describe('the scans of a phone', () => {
  it('survive the page with their device and go on counting', () => {
    queue().add({ at_ms: 1, code: 'A' }, ['o1'])
    const later = new ScanQueue('k', store, () => 'another')
    expect([later.device, later.add({ at_ms: 2, code: 'B' }).seq]).toEqual(['device-1', 2])
    expect(later.batch()).toEqual([
      { at_ms: 1, code: 'A', seq: 1 },
      { at_ms: 2, code: 'B', seq: 2 },
    ])
    expect([...later.handedOver]).toEqual(['o1'])
  })
  it('wait until the server has decided on each, once', () => {
    const scans = queue()
    scans.add({ at_ms: 1, code: 'A' })
    scans.add({ at_ms: 2, code: 'B' })
    scans.decide([outcome(1, 'duplicate')], [])
    scans.decide([outcome(1, 'duplicate')], [])
    expect(scans.waiting.map((scan) => scan.seq)).toEqual([2])
    expect(scans.decided.map((one) => [one.seq, one.result, one.late])).toEqual([[1, 'duplicate', true]])
  })
  it('are late unless somebody looks at them', () => {
    const scans = queue()
    scans.add({ at_ms: 1, code: 'A' })
    scans.decide([outcome(1)], [1])
    expect(scans.decided[0]?.late).toBe(false)
  })
})
