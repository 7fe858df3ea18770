/** Reminds households whose goods wait, and says how far the reminders have come. */
import { computed, ref } from 'vue'
import type { Api } from '../../lib/base/api'
import type { LeaderDay, ReminderState } from '../../lib/leader/day'
import { notify } from '../../use/toast'
import { useWords } from '../../use/use-words'

/** Longer than other notes: it says how many and when, ms. */
const NOTE_MS = 4000

interface Reminded {
  households: number
  too_soon: number
  due_at_ms: number
}

export function useReminders(
  estateId: string,
  api: Api,
  day: () => LeaderDay | null,
  onDone: () => Promise<void>,
) {
  const { t, time } = useWords()
  const busy = ref(false)
  const states = computed(() => new Map((day()?.reminders ?? []).map((one) => [one.household_id, one])))

  /** Remind one household, or all. */
  async function remind(household_ids: string[]): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      const path = `/api/leader/estates/${encodeURIComponent(estateId)}/reminders`
      const done = await api.send<Reminded>('POST', path, { household_ids })
      notify(outcome(done), NOTE_MS)
      await onDone()
    } catch {
      notify(t('remind.failed'), NOTE_MS)
    } finally {
      busy.value = false
    }
  }
  function outcome({ households, too_soon, due_at_ms }: Reminded): string {
    if (households === 0) return t(too_soon > 0 ? 'remind.too_soon' : 'remind.nobody')
    const now_ms = day()?.now_ms ?? Date.now()
    if (due_at_ms > now_ms + 60_000) return t('remind.later', { n: households, time: time(due_at_ms) })
    return t('remind.sent', { n: households })
  }
  function stateOf(household: string): string {
    const last: ReminderState | undefined = states.value.get(household)
    if (!last) return ''
    const at = { time: time(last.at_ms) }
    if (last.state === 'seen') return t('remind.state_seen', at)
    if (last.state === 'failed') return t('remind.state_failed', at)
    if (last.channel === 'page') return t('remind.state_page', at)
    if (last.state === 'waiting') return t('remind.state_waiting', at)
    return t(last.channel === 'push' ? 'remind.state_sent' : `remind.state_${last.channel}`, at)
  }
  return { busy, remind, stateOf }
}
export type RemindersModel = ReturnType<typeof useReminders>
