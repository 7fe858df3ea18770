/** The words of coupons: beside what shows them, which is loaded after the first frame. */
import type { LocalText } from '../base/wire'

export const COUPON_WORDS = {
  label: { zh: '优惠券', en: 'Coupon' },
  claim: { zh: '领取', en: 'Claim' },
  claimed: { zh: '已领', en: 'Claimed' },
  gone: { zh: '领完了', en: 'All taken' },
  over: { zh: '已结束', en: 'Over' },
  none: { zh: '不用券', en: 'Without a coupon' },
  change: { zh: '换一张', en: 'Change' },
  code: { zh: '优惠码', en: 'Code' },
  apply: { zh: '使用', en: 'Apply' },
  no_code: { zh: '没有这个优惠码，或者已领完。', en: 'There is no such code, or all are taken.' },
  unfit: { zh: '这笔订单用不了这张券。', en: 'It does not fit this order.' },
  had: { zh: '你家已经用过了。', en: 'Your household has had its own.' },
  not_for_you: { zh: '这张券不面向你家。', en: 'This coupon is for other households.' },
  failed: { zh: '没有领到，请再试一次。', en: 'Not claimed, please try again.' },
  got: { zh: '领到了，下单时自动抵扣。', en: 'Claimed: it comes off your next order.' },
  mine: { zh: '我的优惠券', en: 'My coupons' },
  empty: { zh: '还没有优惠券。主播讲解时会发。', en: 'No coupons yet. Hosts give some in their lives.' },
  state_claimed: { zh: '可用', en: 'Ready' },
  state_held: { zh: '等候中', en: 'With an order' },
  state_used: { zh: '已用', en: 'Used' },
  state_expired: { zh: '已过期', en: 'Expired' },
} satisfies Record<string, LocalText>

type Price = (fen: number) => string
interface Terms {
  amount_fen: number
  percent: number
  cap_fen: number
  minimum_fen: number
}

/** What it takes off: `立减 ¥5`, `9 折，最多减 ¥8`. */
export function offWords(terms: Terms, price: Price): LocalText {
  if (terms.amount_fen) return { zh: `立减 ${price(terms.amount_fen)}`, en: `${price(terms.amount_fen)} off` }
  const cap = price(terms.cap_fen)
  return { zh: `减 ${terms.percent}%，最多 ${cap}`, en: `${terms.percent}% off, up to ${cap}` }
}

/** From which price on it counts. */
export function minimumWords(terms: Terms, price: Price): LocalText {
  const from = price(terms.minimum_fen)
  return terms.minimum_fen > 0
    ? { zh: `满 ${from} 可用`, en: `from ${from}` }
    : { zh: '无门槛', en: 'no minimum' }
}

export function leftWords(n: number): LocalText {
  return { zh: `还剩 ${n} 张`, en: `${n} left` }
}

export function untilWords(time: string): LocalText {
  return { zh: `${time} 前有效`, en: `until ${time}` }
}

/** How long one has to stay before it may be claimed. */
export function stayWords(left_s: number): LocalText {
  const minutes = Math.max(1, Math.ceil(left_s / 60))
  return { zh: `再看 ${minutes} 分钟可领`, en: `Watch ${minutes} more min` }
}
