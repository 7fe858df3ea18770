/** What the service worker shows of a push message, and where a tap on it leads. */

/** A message as the server encrypts it (commerce/io/messages/web_push.py). */
export interface Shown {
  title: string
  body: string
  url: string
  tag: string
}

/** The message in a push event; null: it is none of ours. */
export function shownOf(text: string): Shown | null {
  try {
    const { title, body, url, tag } = JSON.parse(text) as Partial<Record<keyof Shown, unknown>>
    if (typeof title !== 'string' || typeof body !== 'string' || typeof tag !== 'string') return null
    return { title, body, tag, url: typeof url === 'string' && /^\/(?!\/)/.test(url) ? url : '/' }
  } catch {
    return null
  }
}

/** The open page that a tap goes to: the one of this path. */
export function pageFor<W extends { url: string }>(windows: readonly W[], url: string): W | null {
  return windows.find((open) => new URL(open.url).pathname === url) ?? null
}
