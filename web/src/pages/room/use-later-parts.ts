/** The sheets and the activities of a room: no viewer needs them before the first frame, so their code comes after it. */
import { type Component, defineAsyncComponent, ref, watch } from 'vue'
import { keepShell } from '../../use/offline-shell'
import type { RoomPage } from './use-room-page'

/** Wait before the code is asked for again, ms. */
const RETRY_MS = 2000
/** After this many failures in front of somebody who waits for a sheet, the page is loaded anew. */
const FAILURES_MAX = 3

export function useLaterParts({ sheets, identity, offers, stage, line }: RoomPage) {
  const opened = () =>
    sheets.bag ||
    sheets.orders ||
    sheets.leave ||
    sheets.questions ||
    identity.shown.value ||
    offers.asked.value !== null ||
    line.value !== null
  const later = <T extends Component>(loader: () => Promise<T>) =>
    defineAsyncComponent({
      loader,
      onError(_error, retry, _fail, failures) {
        // After a deploy the server may no longer have the code of this page: only a new page has all of its parts.
        if (opened() && failures >= FAILURES_MAX && navigator.onLine) window.location.reload()
        else setTimeout(retry, RETRY_MS)
      },
    })
  const RoomSheets = later(async () => (await import('./RoomSheets.vue')).default)
  const RoomActivities = later(
    async () => (await import('../../parts/activities/RoomActivities.vue')).default,
  )
  const TeaserCard = later(async () => (await import('../../parts/schedule/TeaserCard.vue')).default)
  const RemindButton = later(async () => (await import('../../parts/schedule/RemindButton.vue')).default)
  /** Somebody opens one, or nothing is more urgent any more. */
  const wanted = ref(false)
  watch(
    () => opened() || stage.notice.value !== 'connecting',
    (now) => (wanted.value ||= now),
    { immediate: true },
  )
  watch(wanted, keepShell)
  return { RoomActivities, RoomSheets, TeaserCard, RemindButton, wanted }
}
