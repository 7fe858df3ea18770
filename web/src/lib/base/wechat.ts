/** What WeChat's own browser cannot do: it takes no push messages, and often gives no camera. */

/** Whether a page is open in WeChat, on a phone or on a desktop. */
export function isWeChat(userAgent: string): boolean {
  return /\bMicroMessenger\//i.test(userAgent)
}

export type PushSupport = 'yes' | 'wechat' | 'install' | 'no'

/** Whether a browser takes push messages; Safari on a phone does once the page is on the home screen. */
export function pushSupport(browser: {
  userAgent: string
  hasPush: boolean
  standalone: boolean
}): PushSupport {
  if (isWeChat(browser.userAgent)) return 'wechat'
  if (browser.hasPush) return 'yes'
  return /\b(iPhone|iPad)\b/.test(browser.userAgent) && !browser.standalone ? 'install' : 'no'
}
