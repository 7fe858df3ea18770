import { expect, test, vi } from 'vitest'
import { isInWechat, isPayable, loginOf, payByBridge } from '../../src/lib/shop/payment'

test('a payment goes to the bridge with its parameters, and nowhere without one', () => {
  const parameters = [
    { name: 'appId', value: 'wx1' },
    { name: 'package', value: 'prepay_id=7' },
  ]
  const action = { kind: 'jsapi' as const, url: '', qr: '', parameters }
  const invoke = vi.fn()
  const done = () => {}
  expect(payByBridge(action, { invoke }, done)).toBe(true)
  expect(invoke).toHaveBeenCalledWith('getBrandWCPayRequest', { appId: 'wx1', package: 'prepay_id=7' }, done)
  expect(payByBridge(action, undefined, done)).toBe(false)
})

test('only pages and apps of providers are opened', () => {
  for (const url of ['https://pay.example/x', 'weixin://wxpay/x', 'alipays://x', 'http://127.0.0.1:8090/p'])
    expect(isPayable(url)).toBe(true)
  for (const url of ['', 'javascript:alert(1)', 'http://pay.example/x', 'data:text/html,x'])
    expect(isPayable(url)).toBe(false)
})

test('what the login of the provider gave is for one order', () => {
  expect(loginOf('?code=abc&state=o1')).toEqual({ order: 'o1', code: 'abc' })
  for (const search of ['', '?code=abc', '?state=o1', '?code=&state=o1']) expect(loginOf(search)).toBeNull()
})

test('WeChat names itself', () => {
  expect(isInWechat('Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.50')).toBe(true)
  expect(isInWechat('Mozilla/5.0 (iPhone) Mobile/15E148 Safari/604.1')).toBe(false)
})
