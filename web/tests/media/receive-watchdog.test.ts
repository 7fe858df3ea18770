import { describe, expect, it } from 'vitest'
import { ReceiveWatchdog } from '../../src/lib/media/receive-watchdog'

const PATIENCE_MS = 2_000

const transport = (packetsReceived: number) => [{ type: 'transport', packetsReceived }, { type: 'codec' }]

describe('ReceiveWatchdog', () => {
  it('times out without packets, and recovers with the first one', () => {
    const silence = new ReceiveWatchdog(PATIENCE_MS)
    expect(silence.sample(transport(0), 10_000)).toBe(false)
    expect(silence.sample(transport(5), 11_000)).toBe(false)
    expect(silence.sample(transport(5), 11_000 + PATIENCE_MS - 1)).toBe(false)
    expect(silence.sample(transport(5), 11_000 + PATIENCE_MS)).toBe(true)
    expect(silence.sample(transport(5), 15_000)).toBe(true)
    expect(silence.sample(transport(6), 16_000)).toBe(false)
  })

  it('never times out where the browser does not count packets', () => {
    const silence = new ReceiveWatchdog(PATIENCE_MS)
    for (const at of [0, 5_000, 10_000]) expect(silence.sample([{ type: 'transport' }], at)).toBe(false)
  })
})
