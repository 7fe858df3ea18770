import { expect, test } from 'vitest'
import { pageFor, shownOf } from '../../src/worker/push'

test('a message of the server is shown, and leads to no other host', () => {
  const message = { title: '可以取货了', body: '春江店', tag: 'ready:o1', url: '/me' }
  expect(shownOf(JSON.stringify(message))).toEqual(message)
  for (const url of ['//evil.example', 'https://evil.example/', 7])
    expect(shownOf(JSON.stringify({ ...message, url }))?.url).toBe('/')
  for (const text of ['', '[]', 'null', '{"title":1}', '{"title":"a"}']) expect(shownOf(text)).toBeNull()
})

test('a tap goes to the open page of its path', () => {
  const windows = [{ url: 'https://shop.example/r/demo?p=tea' }, { url: 'https://shop.example/me' }]
  expect(pageFor(windows, '/r/demo')).toBe(windows[0])
  expect(pageFor(windows, '/r/other')).toBeNull()
})
