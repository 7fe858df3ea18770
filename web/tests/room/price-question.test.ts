import { describe, expect, it } from 'vitest'
import type { ChatLine } from '../../src/lib/base/wire'
import { asksForPrice, priceQuestion } from '../../src/lib/room/price-question'
import { card } from '../support/fixtures'

const line = (text: string, at_ms: number, role = 'guest'): ChatLine => ({
  id: `${at_ms}`,
  from: { id: 'g', nickname: 'Mia', role },
  text,
  at_ms,
})
const spinach = card()
const eggs = card({ id: 'eggs', name: { zh: '鸡蛋', en: 'Eggs' } })

describe('questions for a price', () => {
  it('are known in both languages and in full width', () => {
    for (const text of ['多少钱？', '这个怎么卖', '鸡蛋几块一盒', 'How much is it?', 'ＰＲＩＣＥ?'])
      expect(asksForPrice(text), text).toBe(true)
    for (const text of ['好吃吗', '多少天到', 'priceless', '谢谢'])
      expect(asksForPrice(text), text).toBe(false)
  })
  it('are about the card that they name, else the one that is explained, else the one on top', () => {
    const cards = [spinach, eggs]
    expect(priceQuestion([line('鸡蛋多少钱', 5)], cards, null, 0, 10)?.card).toBe(eggs)
    expect(priceQuestion([line('多少钱', 5)], cards, 'eggs', 0, 10)?.card).toBe(eggs)
    expect(priceQuestion([line('多少钱', 5)], cards, null, 0, 10)?.card).toBe(spinach)
    expect(priceQuestion([line('多少钱', 5)], [], null, 0, 10)).toBeNull()
  })
  it('are offered once, with how many have asked, for a minute and a half', () => {
    const chat = [line('多少钱', 5), line('多少钱?', 6), line('how much', 7, 'host')]
    expect(priceQuestion(chat, [spinach], null, 0, 10)).toMatchObject({ count: 2, line: { id: '6' } })
    expect(priceQuestion(chat, [spinach], null, 6, 10)).toBeNull()
    expect(priceQuestion(chat, [spinach], null, 0, 90_010)).toBeNull()
  })
})
