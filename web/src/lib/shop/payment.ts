/** What a page does for an order that waits for its payment, with its words; loaded after the first frame. */
import type { LocalText, PaymentAction } from '../base/wire'

export const PAYMENT_WORDS = {
  pay: { zh: '去付款', en: 'Pay now' },
  scan: { zh: '用手机扫码付款', en: 'Scan with your phone to pay' },
  open_app: { zh: '在这台设备上付款', en: 'Pay on this device' },
  soon: { zh: '正在准备付款…', en: 'Getting the payment ready…' },
  checking: { zh: '付款后这里会自动更新。', en: 'This page continues automatically once you have paid.' },
  give_up: { zh: '不要了', en: 'Give it up' },
  give_up_failed: { zh: '取消没有成功，请再试一次。', en: 'That did not work. Please try again.' },
  in_wechat: { zh: '请在微信里打开这个页面付款。', en: 'Open this page in WeChat to pay.' },
  in_browser: {
    zh: '这里不能直接付款：请用另一台手机扫码，或点右上角用浏览器打开本页再付款。',
    en: 'WeChat cannot pay from this page: scan with another phone, or open the page in your browser.',
  },
  begin_failed: { zh: '付款没有准备好，请再试一次。', en: 'The payment is not ready. Please try again.' },
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

/** Whether the page is open inside WeChat. */
export const isInWechat = (agent: string): boolean => agent.includes('MicroMessenger')

/** Providers that begin a payment when the page says that its buyer is about to pay. */
export const asksPayer = (provider: string): boolean => provider === 'wechat'

/** What the provider's login gave the page that it led back to: for which order, and the code. */
export function loginOf(search: string): { order: string; code: string } | null {
  const given = new URLSearchParams(search)
  const [order, code] = [given.get('state'), given.get('code')]
  return order && code ? { order, code } : null
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
