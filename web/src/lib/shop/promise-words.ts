/** The words of promises: beside what shows them, which is loaded after the first frame. */
import type { LocalText } from '../base/wire'

export const PROMISE_WORDS = {
  today: { zh: '今天', en: 'today' },
  tomorrow: { zh: '明天', en: 'tomorrow' },
  to_the_door: { zh: '送到家', en: 'to your door' },
  or_bring: { zh: '也可以', en: 'Or' },
  how: { zh: '怎么拿到', en: 'How you get it' },
  pickup: { zh: '到店自提', en: 'Pick up' },
  address: { zh: '送到您登记的门牌。', en: 'To the flat that you named.' },
  packed_at: { zh: '备货门店', en: 'Packed at' },
} satisfies Record<string, LocalText>

/** Who hands it over. */
export function atStore(store: LocalText): LocalText {
  return { zh: `${store.zh} 自提`, en: `pick up at ${store.en}` }
}

/** Until when a presale takes orders. */
export function orderBy(when: string): LocalText {
  return { zh: `${when} 前下单`, en: `Order by ${when}` }
}

/** A presale that takes no more. */
export function ordersClosed(when: string): LocalText {
  return { zh: `${when} 已截单`, en: `Closed ${when}` }
}

/** By how much it is later than was said. */
export function lateBy(minutes: number): LocalText {
  return { zh: `已比约定晚 ${minutes} 分钟`, en: `${minutes} min later than promised` }
}
