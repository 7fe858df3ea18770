/** A household's entry in the room's lucky bag: read, made, and confirmed at the end. */
import { onScopeDispose, reactive, watch } from 'vue'
import { type Api, Refused } from '../../lib/base/api'
import type { AtMs, Draw } from '../../lib/base/wire'
import { presenceIsDue } from '../../lib/room/lucky-bag'
import type { IdentityModel } from '../../use/use-identity'

interface Entry {
  draw_id: string
  ticket: string
  present: boolean
  place: number | null
  order_id: string | null
}
export type EntryTrouble = 'failed' | 'closed' | 'full' | 'other_estate' | 'wrong_word'

const TROUBLES: Record<string, EntryTrouble> = {
  'draw-closed': 'closed',
  'draw-full': 'full',
  'other-estate': 'other_estate',
  'wrong-word': 'wrong_word',
}
/** Wait before presence is sent again, ms. */
const RETRY_MS = 3_000

export function useLuckyBag(
  base: string,
  api: Api,
  identity: IdentityModel,
  draw: () => Draw | null,
  at: () => AtMs,
  /** Says the word of the task in the chat. */
  say: (text: string) => boolean,
) {
  const mine = reactive({
    entry: null as Entry | null,
    busy: false,
    trouble: null as EntryTrouble | null,
  })
  const share = Math.random()
  let confirmed = ''
  let trying = false
  let timer = 0
  const path = (what: string) => `${base}/draws/${encodeURIComponent(draw()?.id ?? '')}/${what}`
  const isMine = () => mine.entry !== null && mine.entry.draw_id === draw()?.id

  async function refresh(): Promise<void> {
    if (!identity.known() || !draw()) return
    try {
      mine.entry = (await api.get<{ entry: Entry | null }>(path('entry'))).entry
    } catch {
      // Entering again answers with the entry that there is.
    }
  }
  watch(
    () => [draw()?.id, draw()?.state],
    () => void refresh(),
    { immediate: true },
  )

  async function enter(text: string): Promise<void> {
    if (mine.busy) return
    Object.assign(mine, { busy: true, trouble: null })
    try {
      mine.entry = await api.send<Entry>('PUT', path('entry'), { text })
      if (text) say(text)
    } catch (error) {
      mine.trouble = (error instanceof Refused && TROUBLES[error.kind]) || 'failed'
    } finally {
      mine.busy = false
    }
  }

  /** A page that nobody looks at is not there. */
  async function confirm(): Promise<void> {
    const now = draw()
    if (!now || trying || confirmed === now.id || !isMine() || document.hidden) return
    if (!presenceIsDue(now, at(), share)) return
    trying = true
    try {
      mine.entry = await api.send<Entry>('PUT', path('presence'))
      confirmed = now.id
      trying = false
    } catch {
      timer = window.setTimeout(() => (trying = false), RETRY_MS)
    }
  }
  watch(at, () => void confirm())
  onScopeDispose(() => window.clearTimeout(timer))

  return { mine, isMine, enter: (text: string) => identity.require(() => void enter(text)) }
}
