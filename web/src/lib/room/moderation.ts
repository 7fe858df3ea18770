/** Order in a room's chat, as its moderators read it from the server. */
import type { AtMs } from '../base/wire'

export interface Word {
  text: string
  verdict: 'hold' | 'refuse'
}
/** A line that waits for a decision. */
export interface Flag {
  id: string
  kind: 'held' | 'reported'
  line: { id: string; sender_id: string; nickname: string; text: string; at_ms: AtMs }
  reports: number
}
export interface Rules {
  slow_s: number
  members_only: boolean
  words: Word[]
  moderators: { subject: string; nickname: string }[]
  sanctions: {
    id: string
    kind: 'mute' | 'ban'
    nickname: string
    reason: string
    until_ms: AtMs | null
    by_address: boolean
    by_device: boolean
    appeal: string | null
    appeal_answered_at_ms: AtMs | null
  }[]
  flags: Flag[]
}

/** The listed words of two texts with one a line; of the same word the stricter verdict counts. */
export function wordsOf(hold: string, refuse: string): Word[] {
  const words = new Map<string, Word>()
  for (const [typed, verdict] of [
    [hold, 'hold'],
    [refuse, 'refuse'],
  ] as const)
    for (const line of typed.split('\n')) {
      const text = line.trim()
      if (text) words.set(text, { text, verdict })
    }
  return [...words.values()]
}
