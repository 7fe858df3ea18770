import { describe, expect, it } from 'vitest'
import {
  type Delivery,
  type FactBatch,
  FactQueue,
  SEND_EVERY_MS,
  WAITING_MAX,
  Watching,
} from '../../src/lib/room/page-facts'
import { VirtualTime } from '../support/virtual-time'

const seen = (product_id: string) => ({ topic: 'card.seen', payload: { product_id } }) as const

function queue(answers: Delivery[] = []) {
  const time = new VirtualTime()
  const sent: (FactBatch & { leaving: boolean })[] = []
  const made = new FactQueue(
    { sender: 'sender-1', room_id: 'demo' },
    async (batch, leaving) => {
      sent.push({ ...batch, leaving })
      return answers.shift() ?? 'taken'
    },
    time,
    () => time.now(),
  )
  return { time, sent, made, numbers: () => sent.map(({ facts }) => facts.map(({ number }) => number)) }
}

describe('facts of a page', () => {
  it('go together after a while, numbered from 1', async () => {
    const { time, sent, made, numbers } = queue()
    made.add(seen('tea'))
    await time.pass(SEND_EVERY_MS - 1)
    made.add(seen('pear'))
    expect(sent).toEqual([])
    await time.pass(1)
    expect(numbers()).toEqual([[1, 2]])
    expect(sent[0]).toMatchObject({ sender: 'sender-1', room_id: 'demo', sent_at_ms: SEND_EVERY_MS })
    await time.pass(10 * SEND_EVERY_MS)
    expect(sent).toHaveLength(1)
  })
  it('are sent again under the same numbers until the server has them', async () => {
    const { time, made, numbers } = queue(['later', 'taken'])
    made.add(seen('tea'))
    await time.pass(SEND_EVERY_MS)
    made.add(seen('pear'))
    await time.pass(SEND_EVERY_MS)
    expect(numbers()).toEqual([[1], [1, 2]])
    await time.pass(10 * SEND_EVERY_MS)
    expect(numbers()).toHaveLength(2)
  })
  it('are dropped when the server refuses them', async () => {
    const { time, made, numbers } = queue(['refused'])
    made.add(seen('tea'))
    await time.pass(SEND_EVERY_MS)
    made.add(seen('pear'))
    await time.pass(SEND_EVERY_MS)
    expect(numbers()).toEqual([[1], [2]])
  })
  it('that were not acknowledged all go when the page is left', async () => {
    const { time, sent, made, numbers } = queue(['later'])
    made.add(seen('tea'))
    await time.pass(SEND_EVERY_MS)
    made.add(seen('pear'))
    made.leave()
    await time.pass(0)
    expect(numbers()).toEqual([[1], [1, 2]])
    expect(sent.map(({ leaving }) => leaving)).toEqual([false, true])
  })
  it('wait in bounds while the server is away', async () => {
    const { time, sent, made } = queue()
    for (let n = 0; n < WAITING_MAX + 50; n++) made.add(seen('tea'))
    await time.pass(10 * SEND_EVERY_MS)
    expect(sent.map(({ facts }) => facts.length)).toEqual([100, 100, 100])
    expect(sent[0]?.facts[0]?.number).toBe(51)
  })
})

it('counts how long a live was watched', () => {
  let now = 0
  const watching = new Watching(() => now)
  watching.set(true)
  now = 700
  expect(watching.take()).toBe(700)
  now = 1000
  watching.set(false)
  now = 5000
  expect(watching.take()).toBe(300)
  expect(watching.take()).toBe(0)
})
