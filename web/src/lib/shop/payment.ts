/** What a page does for an order that waits for its payment, with its words; loaded after the first frame. */
import type { LocalText, PaymentAction } from '../base/wire'

export const PAYMENT_WORDS = {
  pay: { zh: '去付款', en: 'Pay now' },
  scan: { zh: '用手机扫码付款', en: 'Scan with your phone to pay' },
  open_app: { zh: '在这台设备上付款', en: 'Pay on this device' },
  soon: { zh: '正在准备付款…', en: 'Getting the payment ready…' },
  checking: { zh: '付款后这里会自动更新。', en: 'This moves on by itself once you have paid.' },
  give_up: { zh: '不要了', en: 'Give it up' },
  give_up_failed: { zh: '取消没有成功，请再试一次。', en: 'That did not work. Please try again.' },
  in_wechat: { zh: '请在微信里打开这个页面付款。', en: 'Open this page in WeChat to pay.' },
  over: { zh: '时间到了，正在确认…', en: 'Time is up. Checking…' },
  expired: {
    zh: '没有按时付款，商品已放回货架。',
    en: 'Not paid in time: the goods are back on sale.',
  },
} satisfies Record<string, LocalText>

/** Until when it can be paid. */
export function payWithin(time: string): LocalText {
  return { zh: `请在 ${time} 内付款`, en: `Pay within ${time}` }
}

/** WeChat's bridge to its own payment, where the page is open in WeChat. */
export interface Bridge {
  invoke: (method: string, parameters: Record<string, string>, done: (result: unknown) => void) => void
}

/** Hand the payment to WeChat; false where there is no bridge. What came of it, the order says. */
export function payByBridge(action: PaymentAction, bridge: Bridge | undefined, done: () => void): boolean {
  if (!bridge) return false
  const parameters = Object.fromEntries(action.parameters.map(({ name, value }) => [name, value]))
  bridge.invoke('getBrandWCPayRequest', parameters, done)
  return true
}

/** Whether a page may go to this address: a provider's page, or its app. */
export function isPayable(url: string): boolean {
  return /^(https:\/\/|weixin:\/\/|alipays?:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])/.test(url)
}
