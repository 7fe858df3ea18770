/** What a household does in a room beside buying: its votes, and its questions to the host. */
import { reactive, watch } from 'vue'
import { type Api, Refused } from '../lib/base/api'
import type { IdentityModel } from './use-identity'
import type { RoomModel } from './use-room'

interface Mine {
  poll: string | null
  option: number | null
  questions: string[]
}

/** Why something was not sent: a key of the words of `poll` or `questions`. */
export type ActivityTrouble = 'failed' | 'not_live' | 'too_many' | 'other_estate'

const TROUBLES: Record<string, ActivityTrouble> = {
  'not-live': 'not_live',
  'too-many-questions': 'too_many',
  'other-estate': 'other_estate',
}
const troubleOf = (error: unknown): ActivityTrouble =>
  (error instanceof Refused && TROUBLES[error.kind]) || 'failed'

export function useActivities(roomId: string, api: Api, identity: IdentityModel, room: RoomModel) {
  const base = `/api/rooms/${encodeURIComponent(roomId)}`
  const mine = reactive({
    /** The poll that `option` is a vote in. */
    poll: null as string | null,
    option: null as number | null,
    /** Ids of the questions that this household wants answered. */
    questions: new Set<string>(),
    trouble: null as ActivityTrouble | null,
    busy: false,
  })

  let sent = 0

  async function run(send: () => Promise<void>): Promise<boolean> {
    if (mine.busy) return false
    Object.assign(mine, { busy: true, trouble: null })
    sent += 1
    try {
      await send()
      return true
    } catch (error) {
      mine.trouble = troubleOf(error)
      return false
    } finally {
      mine.busy = false
    }
  }

  /** Read what the household voted for, on this device or another one. */
  async function refresh(): Promise<void> {
    if (!identity.known()) return
    const before = sent
    try {
      const found = await api.get<Mine>(`${base}/activities/mine`)
      // What was sent meanwhile is newer.
      if (sent === before)
        Object.assign(mine, { poll: found.poll, option: found.option, questions: new Set(found.questions) })
    } catch {
      // A vote that is not shown is answered with the one that counts.
    }
  }
  watch(
    () => room.state.value.poll?.id,
    (id) => id && void refresh(),
    { immediate: true },
  )

  function vote(poll: string, option: number): void {
    identity.require(
      () =>
        void run(async () => {
          const path = `${base}/polls/${encodeURIComponent(poll)}/vote`
          const counted = await api.send<{ option: number }>('PUT', path, { option })
          Object.assign(mine, { poll, option: counted.option })
        }),
    )
  }

  function want(question: string): void {
    identity.require(
      () =>
        void run(async () => {
          await api.send('PUT', `${base}/questions/${encodeURIComponent(question)}/vote`)
          mine.questions.add(question)
        }),
    )
  }

  /** Ask the host; `done` runs once the question is there. */
  function ask(text: string, done: () => void): void {
    identity.require(
      () =>
        void run(async () => {
          const { id } = await api.send<{ id: string }>('POST', `${base}/questions`, { text })
          mine.questions.add(id)
        }).then((sent) => sent && done()),
    )
  }

  return { roomId, base, api, identity, mine, refresh, vote, want, ask, say: room.chat }
}
export type ActivitiesModel = ReturnType<typeof useActivities>
