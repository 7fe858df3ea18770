import { expect, test } from 'vitest'
import { isWeChat, pushSupport } from '../../src/lib/base/wechat'

const WECHAT =
  'Mozilla/5.0 (Linux; Android 14; M2012) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 ' +
  'Mobile Safari/537.36 XWEB/1300 MMWEBSDK/20240301 MicroMessenger/8.0.50 WeChat/arm64'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Mobile/15E148 Safari/604.1'

test('WeChat is known by its own product token', () => {
  expect(isWeChat(WECHAT)).toBe(true)
  expect(isWeChat(IPHONE)).toBe(false)
})

test('push is what the browser has, never in WeChat, on an iPhone once the page is installed', () => {
  expect(pushSupport({ userAgent: WECHAT, hasPush: true, standalone: false })).toBe('wechat')
  expect(pushSupport({ userAgent: 'Firefox', hasPush: true, standalone: false })).toBe('yes')
  expect(pushSupport({ userAgent: IPHONE, hasPush: false, standalone: false })).toBe('install')
  expect(pushSupport({ userAgent: IPHONE, hasPush: true, standalone: true })).toBe('yes')
  expect(pushSupport({ userAgent: 'Old', hasPush: false, standalone: false })).toBe('no')
})
